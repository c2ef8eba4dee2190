//! A serializer in front of another one. It refuses values that the other would change silently.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{
        Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
        SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::{Segment, Trail};

/// Passes on everything but numbers that are not finite.
pub(super) struct Strict<'t, S> {
    inner: S,
    trail: &'t Trail,
}

impl<'t, S> Strict<'t, S> {
    pub(super) fn new(inner: S, trail: &'t Trail) -> Self {
        Self { inner, trail }
    }
}

/// A part of the value, written in the same way.
struct Part<'t, T: ?Sized> {
    value: &'t T,
    trail: &'t Trail,
}

impl<T: Serialize + ?Sized> Serialize for Part<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Strict::new(serializer, self.trail))
    }
}

/// A sequence, a map, or anything else with parts.
pub(super) struct Parts<'t, C> {
    inner: C,
    trail: &'t Trail,
    /// Number of parts written.
    written: usize,
    variant: Option<&'static str>,
}

impl<'t, C> Parts<'t, C> {
    fn part<'p, T: ?Sized>(&self, value: &'p T) -> Part<'p, T>
    where
        't: 'p,
    {
        Part { value, trail: self.trail }
    }

    /// Adds this part to the path of an error.
    fn went<T, E>(
        &mut self,
        result: Result<T, E>,
        segment: impl FnOnce(usize) -> Segment,
    ) -> Result<T, E> {
        if result.is_err() {
            self.trail.leave(segment(self.written));
            if let Some(variant) = self.variant {
                self.trail.leave(Segment::Field(variant));
            }
        }
        self.written += 1;
        result
    }
}

macro_rules! pass_on {
    ($($method:ident($ty:ty);)*) => {
        $(fn $method(self, value: $ty) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

impl<'t, S: Serializer> Serializer for Strict<'t, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<'t, S::SerializeSeq>;
    type SerializeTuple = Parts<'t, S::SerializeTuple>;
    type SerializeTupleStruct = Parts<'t, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<'t, S::SerializeTupleVariant>;
    type SerializeMap = Parts<'t, S::SerializeMap>;
    type SerializeStruct = Parts<'t, S::SerializeStruct>;
    type SerializeStructVariant = Parts<'t, S::SerializeStructVariant>;

    pass_on! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            return self.inner.serialize_f32(value);
        }
        self.trail.not_finite.set(Some(value.into()));
        Err(S::Error::custom("a number that is not finite"))
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            return self.inner.serialize_f64(value);
        }
        self.trail.not_finite.set(Some(value));
        Err(S::Error::custom("a number that is not finite"))
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Part { value, trail: self.trail })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Part { value, trail: self.trail })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let Self { inner, trail } = self;
        inner
            .serialize_newtype_variant(name, index, variant, &Part { value, trail })
            .inspect_err(|_| trail.leave(Segment::Field(variant)))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let Self { inner, trail } = self;
        Ok(Parts { inner: inner.serialize_seq(length)?, trail, written: 0, variant: None })
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        let Self { inner, trail } = self;
        Ok(Parts { inner: inner.serialize_tuple(length)?, trail, written: 0, variant: None })
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        let Self { inner, trail } = self;
        let inner = inner.serialize_tuple_struct(name, length)?;
        Ok(Parts { inner, trail, written: 0, variant: None })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let Self { inner, trail } = self;
        let inner = inner.serialize_tuple_variant(name, index, variant, length)?;
        Ok(Parts { inner, trail, written: 0, variant: Some(variant) })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let Self { inner, trail } = self;
        Ok(Parts { inner: inner.serialize_map(length)?, trail, written: 0, variant: None })
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let Self { inner, trail } = self;
        let inner = inner.serialize_struct(name, length)?;
        Ok(Parts { inner, trail, written: 0, variant: None })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let Self { inner, trail } = self;
        let inner = inner.serialize_struct_variant(name, index, variant, length)?;
        Ok(Parts { inner, trail, written: 0, variant: Some(variant) })
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! in_order {
    ($($trait:ident::$method:ident;)*) => {
        $(impl<C: $trait> $trait for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let part = self.part(value);
                let written = self.inner.$method(&part);
                self.went(written, Segment::Index)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

in_order! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! by_name {
    ($($trait:ident;)*) => {
        $(impl<C: $trait> $trait for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let part = self.part(value);
                let written = self.inner.serialize_field(key, &part);
                self.went(written, |_| Segment::Field(key))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

by_name! {
    SerializeStruct;
    SerializeStructVariant;
}

impl<C: SerializeMap> SerializeMap for Parts<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(&self.part(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let part = self.part(value);
        let written = self.inner.serialize_value(&part);
        self.went(written, Segment::Index)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), C::Error> {
        self.serialize_key(key)?;
        let part = self.part(value);
        let written = self.inner.serialize_value(&part);
        // Written again as text only if an error has to name it.
        self.went(written, |index| match serde_json::to_string(key) {
            Ok(key) => Segment::Key(key.trim_matches('"').to_owned()),
            Err(_) => Segment::Index(index),
        })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
