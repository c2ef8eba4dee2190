//! A payload on its way to JSON and back.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::Value;

use crate::job::{BoxDynError, Storable};

/// Fails to compile where an argument cannot be stored.
pub const fn assert_storable<T: Storable>() {}

/// Brings a stored payload to the present version with the user's function.
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

// An argument that serde does not know is reported once, by `assert_storable` at the place of its type.
// The two pairs below keep the payload's own impls from reporting it again: a method call prefers the
// impl on the type itself, where serde's bound holds, and falls back to the one on a reference to it.

/// A payload on its way to JSON.
#[derive(Debug)]
pub struct Write<T>(pub T);

/// Writes what serde can write.
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

/// Stands in where serde cannot; a crate in which it does has another error.
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

/// A payload on its way back from JSON.
#[derive(Debug)]
pub struct Read<T>(PhantomData<fn() -> T>);

impl<T> Read<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Reads what serde can read.
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

/// Stands in where serde cannot; a crate in which it does has another error.
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
