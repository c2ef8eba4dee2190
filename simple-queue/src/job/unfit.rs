//! Messages about payloads that cannot be read: where, and what was expected. serde's messages
//! quote the value, and a value must not be in a log or in the reason of a dead letter.

use serde_path_to_error::{Error, Segment};

use super::StoredArgument;

/// Returns why a payload with these arguments does not fit.
pub(crate) fn unfit(arguments: &[StoredArgument], error: &Error<serde_json::Error>) -> String {
    let (path, said) = (error.path(), error.inner().to_string());
    let first = match path.iter().next() {
        Some(Segment::Map { key }) => Some(key.as_str()),
        _ => None,
    };
    // Without a path it may be any of them.
    let is_redacted = |argument: &&StoredArgument| {
        argument.is_redacted && first.is_none_or(|name| argument.is_stored_as(name))
    };
    match (arguments.iter().find(is_redacted), first) {
        (None, None) => without_values(&said),
        (None, Some(_)) => format!("{path}: {}", without_values(&said)),
        (Some(_), first) => {
            let said = in_words_of_serde(&said).unwrap_or_else(|| {
                "it does not fit; its type's message is left out because it may quote the value"
                    .to_owned()
            });
            first.map_or(said.clone(), |name| format!("{name}: {said}"))
        }
    }
}

/// Returns the message without the values that serde quotes. Values that other types put in their
/// messages stay.
pub(crate) fn without_values(said: &str) -> String {
    match QUOTING.iter().filter_map(|phrase| said.find(phrase)).min() {
        Some(at) => said[..at].to_owned() + &without_value(&said[at..]),
        None => said.to_owned(),
    }
}

/// Beginnings of serde's messages that quote a value.
/// <https://docs.rs/serde/latest/serde/de/trait.Error.html>
const QUOTING: [&str; 4] =
    ["invalid type: ", "invalid value: ", "unknown variant `", "unknown field `"];

/// Beginnings of serde's messages that quote none.
const QUOTING_NOTHING: [&str; 3] = ["invalid length ", "missing field `", "duplicate field `"];

/// The kinds of values that serde names before it quotes one.
/// <https://docs.rs/serde/latest/serde/de/enum.Unexpected.html>
const KINDS: [&str; 17] = [
    "boolean",
    "integer",
    "floating point",
    "character",
    "string",
    "byte array",
    "unit value",
    "null",
    "Option value",
    "newtype struct",
    "map",
    "sequence",
    "enum",
    "unit variant",
    "newtype variant",
    "tuple variant",
    "struct variant",
];

/// Returns serde's own message without the value; `None` if another type worded it.
fn in_words_of_serde(said: &str) -> Option<String> {
    let begins = |phrases: &[&str]| phrases.iter().any(|phrase| said.starts_with(phrase));
    if begins(&QUOTING) {
        return Some(without_value(said));
    }
    begins(&QUOTING_NOTHING).then(|| said.to_owned())
}

/// Shortens `invalid type: string "…", expected u32` by the quoted part.
fn without_value(said: &str) -> String {
    let phrase =
        QUOTING.iter().find(|phrase| said.starts_with(**phrase)).copied().unwrap_or_default();
    let rest = &said[phrase.len()..];
    let kind = KINDS.iter().find(|kind| phrase.ends_with(": ") && rest.starts_with(**kind));
    // The expectation comes last, whatever the value holds.
    let expected =
        [", expected ", ", there are no "].iter().filter_map(|word| rest.rfind(word)).max();
    let expected = expected.map_or("", |at| &rest[at..]);
    match kind {
        Some(kind) => format!("{phrase}{kind}{expected}"),
        None => format!("{}{expected}", phrase.trim_end_matches([':', ' ', '`'])),
    }
}

impl StoredArgument {
    pub(crate) fn is_stored_as(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_quotes_is_left_out_and_the_rest_stays() {
        let cases = [
            (
                "invalid type: string \"a, expected b\", expected u8",
                "invalid type: string, expected u8",
            ),
            (
                "invalid type: floating point `1.5`, expected u8",
                "invalid type: floating point, expected u8",
            ),
            ("invalid type: null, expected a map", "invalid type: null, expected a map"),
            ("invalid value: integer `300`, expected u8", "invalid value: integer, expected u8"),
            ("invalid value: a secret, expected x", "invalid value, expected x"),
            ("unknown variant `s`, expected `a` or `b`", "unknown variant, expected `a` or `b`"),
            (
                "unknown variant `s, expected t`, there are no variants",
                "unknown variant, there are no variants",
            ),
            ("unknown field `s`, there are no fields", "unknown field, there are no fields"),
            (
                "reading the card: invalid type: map, expected u8",
                "reading the card: invalid type: map, expected u8",
            ),
            (
                "reading: invalid type: integer `5`, expected a map",
                "reading: invalid type: integer, expected a map",
            ),
            ("invalid length 3, expected 2 elements", "invalid length 3, expected 2 elements"),
            ("missing field `name`", "missing field `name`"),
            ("out of words", "out of words"),
        ];
        for (said, expected) in cases {
            assert_eq!(without_values(said), expected);
        }
        assert_eq!(in_words_of_serde("reading `s`: invalid type: map, expected u8"), None);
    }
}
