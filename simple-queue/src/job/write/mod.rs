//! Writes values as JSON that can be read back.
//!
//! `serde_json` writes `null` for a number that is not finite, which most types cannot read back.
//! Here such a number is an error, and every error has the path in the value.

mod serializer;

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::Serialize;
use serde_json::Value;

use serializer::Strict;

/// Returns the value as JSON text.
pub(crate) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String, Unwritable> {
    let mut json = Vec::with_capacity(128);
    let trail = Trail::default();
    match value.serialize(Strict::new(&mut serde_json::Serializer::new(&mut json), &trail)) {
        Ok(()) => String::from_utf8(json)
            .map_err(|_| Unwritable { path: String::new(), problem: Problem::NotUtf8 }),
        Err(error) => Err(trail.into_unwritable(error)),
    }
}

/// Returns the value as a JSON value.
pub(crate) fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value, Unwritable> {
    let trail = Trail::default();
    value
        .serialize(Strict::new(serde_json::value::Serializer, &trail))
        .map_err(|error| trail.into_unwritable(error))
}

/// Why a value cannot be written, and where in it.
#[derive(Debug)]
pub(crate) struct Unwritable {
    /// The path; empty for the value as a whole.
    path: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    NotFinite(f64),
    /// Text from an unchecked [`serde_json::value::RawValue`].
    NotUtf8,
    Other(serde_json::Error),
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, problem } = self;
        match (problem, path.is_empty()) {
            (Problem::NotFinite(number), true) => {
                write!(f, "it is {number}, which JSON cannot hold")
            }
            (Problem::NotFinite(number), false) => {
                write!(f, "`{path}` is {number}, which JSON cannot hold")
            }
            (Problem::NotUtf8, _) => f.write_str("it is not valid UTF-8"),
            (Problem::Other(error), true) => error.fmt(f),
            (Problem::Other(error), false) => write!(f, "`{path}` cannot be written: {error}"),
        }
    }
}

/// The problem and its path, kept aside because the error is the serializer's own type.
#[derive(Debug, Default)]
struct Trail {
    /// The path to the value, innermost part first.
    segments: RefCell<Vec<Segment>>,
    not_finite: Cell<Option<f64>>,
}

#[derive(Debug)]
enum Segment {
    Field(&'static str),
    Key(String),
    Index(usize),
}

impl Trail {
    fn leave(&self, segment: Segment) {
        self.segments.borrow_mut().push(segment);
    }

    fn into_unwritable(self, error: serde_json::Error) -> Unwritable {
        let mut path = String::new();
        for segment in self.segments.into_inner().iter().rev() {
            let name = match segment {
                Segment::Index(index) => {
                    path.extend(["[", &index.to_string(), "]"]);
                    continue;
                }
                Segment::Field(name) => name,
                Segment::Key(key) => key.as_str(),
            };
            let separator = if path.is_empty() { "" } else { "." };
            path.extend([separator, name]);
        }
        let problem = match self.not_finite.get() {
            Some(number) => Problem::NotFinite(number),
            None => Problem::Other(error),
        };
        Unwritable { path, problem }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(f64),
        Tuple(u8, f32),
        Struct { wide: f64 },
    }

    #[derive(Serialize)]
    struct Nested {
        shapes: Vec<Shape>,
        pair: (u8, Option<f64>),
        by_id: BTreeMap<u32, f64>,
        #[serde(flatten)]
        rest: BTreeMap<String, f64>,
    }

    fn nested(shape: Shape) -> Nested {
        Nested {
            shapes: vec![Shape::Unit, shape],
            pair: (1, Some(2.5)),
            by_id: BTreeMap::from([(7, 0.5)]),
            rest: BTreeMap::from([("more".to_owned(), 1e300)]),
        }
    }

    #[test]
    fn what_can_be_written_is_written_as_serde_json_does() {
        for shape in [Shape::Newtype(0.1), Shape::Tuple(1, 0.1), Shape::Struct { wide: -0.0 }] {
            let value = nested(shape);
            assert_eq!(to_json(&value).unwrap(), serde_json::to_string(&value).unwrap());
            assert_eq!(to_value(&value).unwrap(), serde_json::to_value(&value).unwrap());
        }
        let raw = serde_json::value::RawValue::from_string("{ \"a\": 1.50 }".to_owned()).unwrap();
        assert_eq!(to_json(&raw).unwrap(), "{ \"a\": 1.50 }");
    }

    #[test]
    fn a_number_that_is_not_finite_is_named_with_its_path() {
        let refused = |value: &Nested| {
            let problem = to_json(value).unwrap_err().to_string();
            assert_eq!(to_value(value).unwrap_err().to_string(), problem);
            problem.split_once(", which").unwrap().0.to_owned()
        };
        let cases = [
            (Shape::Newtype(f64::NAN), "`shapes[1].Newtype` is NaN"),
            (Shape::Tuple(1, f32::INFINITY), "`shapes[1].Tuple[1]` is inf"),
            (Shape::Struct { wide: f64::NEG_INFINITY }, "`shapes[1].Struct.wide` is -inf"),
        ];
        for (shape, expected) in cases {
            assert_eq!(refused(&nested(shape)), expected);
        }
        let mut value = nested(Shape::Unit);
        value.by_id.insert(9, f64::NAN);
        assert_eq!(refused(&value), "`by_id.9` is NaN");
        let mut value = nested(Shape::Unit);
        value.rest.insert("most".to_owned(), f64::NAN);
        assert_eq!(refused(&value), "`most` is NaN");
        let mut value = nested(Shape::Unit);
        value.pair.1 = Some(f64::NAN);
        assert_eq!(refused(&value), "`pair[1]` is NaN");
        let problem = to_json(&f64::NAN).unwrap_err().to_string();
        assert_eq!(problem, "it is NaN, which JSON cannot hold");
    }

    #[test]
    fn other_errors_say_where_they_are_too() {
        let value = BTreeMap::from([("a", vec![BTreeMap::from([((1, 2), 3)])])]);
        let problem = to_json(&value).unwrap_err().to_string();
        assert_eq!(problem, "`a[0]` cannot be written: key must be a string");
    }
}
