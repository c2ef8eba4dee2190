//! In what a job differs from the expected one.

use std::fmt::Debug;

use crate::job::StoredArgument;

/// In what a job differs; the macros collect it.
#[derive(Debug)]
pub struct Differences {
    arguments: &'static [StoredArgument],
    found: Vec<String>,
}

/// 80 characters: of longer values only what is around their first difference is shown.
const LONGEST: usize = 80;

/// 15 characters that are shown before the first difference of two long values.
const BEFORE: usize = 15;

impl Differences {
    pub(super) const fn of(arguments: &'static [StoredArgument]) -> Self {
        Self { arguments, found: Vec::new() }
    }

    /// Notes that a field has another value than expected. `None`: its type cannot be shown.
    pub fn note(&mut self, field: &str, is: Option<String>, expected: Option<String>) {
        let field = field.trim_start_matches("r#");
        let shown = is.zip(expected).filter(|_| !self.hides(field));
        self.found.push(match shown {
            None => format!("{field} is another one"),
            Some((is, expected)) if is == expected => {
                format!("{field} is another {is} than expected")
            }
            Some((is, expected)) => {
                let (is, expected) = shortened(&is, &expected);
                format!("{field} is {is}, not {expected}")
            }
        });
    }

    pub(super) fn say(&mut self, difference: String) {
        self.found.push(difference);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn words(&self) -> String {
        self.found.join(", ")
    }

    /// Whether the value of a field must not be shown. An argument may be stored under another name
    /// than its field's, so a field that is not among them may be any.
    fn hides(&self, field: &str) -> bool {
        match self.arguments.iter().find(|argument| argument.name == field) {
            Some(argument) => argument.is_redacted,
            None => self.arguments.iter().any(|argument| argument.is_redacted),
        }
    }
}

/// Two values, of which long ones are cut to what is around their first difference.
fn shortened(is: &str, expected: &str) -> (String, String) {
    if [is, expected].iter().all(|text| text.chars().count() <= LONGEST) {
        return (is.to_owned(), expected.to_owned());
    }
    let same = is.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
    let begin = same.saturating_sub(BEFORE);
    let part = |text: &str| {
        let shown: String = text.chars().skip(begin).take(LONGEST).collect();
        let before = if begin > 0 { "…" } else { "" };
        let after = if text.chars().count() > begin + LONGEST { "…" } else { "" };
        format!("{before}{shown}{after}")
    };
    (part(is), part(expected))
}

/// A value that is shown if it can be.
#[derive(Debug)]
pub struct Shown<T>(pub T);

/// Shows what has `Debug`.
pub trait ShownDebug {
    /// Returns the value as a text.
    fn shown(&self) -> Option<String>;
}

impl<T: Debug> ShownDebug for Shown<T> {
    fn shown(&self) -> Option<String> {
        Some(format!("{:?}", self.0))
    }
}

/// Used if the type has no `Debug`.
pub trait ShownFallback {
    /// Returns nothing.
    fn shown(&self) -> Option<String>;
}

impl<T> ShownFallback for &Shown<T> {
    fn shown(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_values_their_first_difference_is_shown() {
        let text = |end: &str| format!("{:?}", "x".repeat(300) + end);
        let (is, expected) = shortened(&text("A, and so on"), &text("B"));
        assert_eq!(is, "…xxxxxxxxxxxxxxxA, and so on\"");
        assert_eq!(expected, "…xxxxxxxxxxxxxxxB\"");
        assert_eq!(shortened("1", "2"), ("1".to_owned(), "2".to_owned()));
    }

    #[test]
    fn what_must_not_be_shown_is_not() {
        const ARGUMENTS: &[StoredArgument] =
            &[StoredArgument::new("id", "i64"), StoredArgument::new("iban", "String").redacted()];
        let mut differences = Differences::of(ARGUMENTS);
        for field in ["iban", "r#id", "renamed"] {
            differences.note(field, Some("1".to_owned()), Some("2".to_owned()));
        }
        assert_eq!(
            differences.words(),
            "iban is another one, id is 1, not 2, renamed is another one"
        );
    }
}
