//! Writes a payload to JSON and reads it back.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::Value;

use crate::job::{BoxDynError, Storable};

/// Does not compile if an argument cannot be stored.
pub const fn assert_storable<T: Storable>() {}

/// Upgrades a stored payload to the current version with the user's function.
///
/// # Errors
/// That of the function.
pub fn upgrade<E: Into<BoxDynError>>(
    upgrade: fn(i32, Value) -> Result<Value, E>,
    version: i32,
    stored: Value,
) -> Result<Value, BoxDynError> {
    upgrade(version, stored).map_err(Into::into)
}

// An argument that serde does not know is reported once, by `assert_storable`, at its type. The two pairs of traits
// below prevent a second report by the payload's own impls: a method call prefers the impl on the type itself, if
// serde's bound holds, and falls back to the impl on a reference.

/// A payload that is written to JSON.
#[derive(Debug)]
pub struct Write<T>(pub T);

/// Writes a type that serde can write.
pub trait WriteStored {
    /// Writes the payload.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl<T: Serialize> WriteStored for Write<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Used if serde cannot write the type; the crate then has another error.
pub trait WriteFallback {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl<T> WriteFallback for &Write<T> {
    fn write<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("this payload cannot be stored"))
    }
}

/// A payload that is read from JSON.
#[derive(Debug)]
pub struct Read<T>(PhantomData<fn() -> T>);

impl<T> Read<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Reads a type that serde can read.
pub trait ReadStored<'de, T> {
    /// Reads the payload.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error>;
}

impl<'de, T: Deserialize<'de>> ReadStored<'de, T> for Read<T> {
    fn read<D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

/// Used if serde cannot read the type; the crate then has another error.
pub trait ReadFallback<'de, T> {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    fn read<D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error>;
}

impl<'de, T> ReadFallback<'de, T> for &Read<T> {
    fn read<D: Deserializer<'de>>(&self, _deserializer: D) -> Result<T, D::Error> {
        Err(de::Error::custom("this payload cannot be read"))
    }
}
