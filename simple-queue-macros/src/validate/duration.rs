//! Durations like `"1h 30m"`, parsed when the job is compiled.

use std::ops::Range;
use std::time::Duration;

use humantime::DurationError;

/// A mistake, and its place in the text.
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) place: Range<usize>,
}

/// Returns the sum of all parts, each a number with its unit, to the millisecond.
pub(crate) fn parse(text: &str) -> Result<Duration, Wrong> {
    let whole = || 0..text.len();
    let duration = humantime::parse_duration(text).map_err(|error| explained(text, &error))?;
    if i64::try_from(duration.as_millis()).is_err() {
        return Err(Wrong { message: TOO_LONG.to_owned(), place: whole() });
    }
    if !duration.is_zero() && duration.as_millis() == 0 {
        let message =
            format!("\"{text}\" is shorter than a millisecond, to which jobs are counted");
        return Err(Wrong { message, place: whole() });
    }
    Ok(duration)
}

const TOO_LONG: &str = "this duration is too long to be counted";

/// Translates the parser's error into our words.
fn explained(text: &str, error: &DurationError) -> Wrong {
    let (message, place) = match error {
        DurationError::InvalidCharacter(at) | DurationError::NumberExpected(at) => {
            let message = format!("\"{text}\" is not a duration; write \"30s\" or \"1h 30m\"");
            (message, *at..text.len())
        }
        DurationError::UnknownUnit { start, end, unit, value } if unit.is_empty() => {
            let message = format!(
                "\"{value}\" has no unit; write \"{value}s\", or one of \"ms\", \"m\", \"h\", \"d\""
            );
            (message, start.saturating_sub(value.to_string().len())..*end)
        }
        DurationError::UnknownUnit { start, end, unit, .. } => {
            let message = format!(
                "unknown unit \"{unit}\"; the units are \"ms\", \"s\", \"m\", \"h\" and \"d\""
            );
            (message, *start..*end)
        }
        DurationError::NumberOverflow => (TOO_LONG.to_owned(), 0..text.len()),
        DurationError::Empty => {
            ("expected a duration, like \"30s\" or \"1h 30m\"".to_owned(), 0..text.len())
        }
    };
    Wrong { message, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_parts_up() {
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn points_at_the_part_that_is_wrong() {
        let wrong = |text: &str| parse(text).unwrap_err();
        assert_eq!(wrong("1h 30").place, 3..5);
        assert!(wrong("30").message.contains("\"30\" has no unit; write \"30s\""));
        assert_eq!(wrong("5 parsecs").place, 2..9);
        assert_eq!(wrong("5parsecs").place, 1..8);
        assert!(wrong("").message.contains("expected a duration"));
        assert!(wrong("-5s").message.contains("is not a duration"));
        assert!(wrong("99999999999999999999d").message.contains("too long"));
        assert!(wrong("99999999999999d").message.contains("too long"));
        assert!(wrong("5us").message.contains("shorter than a millisecond"));
    }
}
