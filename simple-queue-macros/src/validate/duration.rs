//! Durations like `"1h 30m"`, read when the job is compiled.

use std::ops::Range;
use std::time::Duration;

/// The units, and what they are in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// What is wrong, and where in the text.
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) place: Range<usize>,
}

/// The sum of all parts, each a whole number with its unit.
pub(crate) fn parse(text: &str) -> Result<Duration, Wrong> {
    let wrong = |message: String, place: Range<usize>| Err(Wrong { message, place });
    let mut millis = 0_u64;
    let mut at = 0;
    let mut parts = 0;
    while at < text.len() {
        let rest = &text[at..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let after = &rest[digits..];
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let part = at..at + digits + letters;
        if rest.starts_with(' ') {
            at += 1;
            continue;
        }
        if digits == 0 {
            let place = at..text.len();
            return wrong(
                format!("\"{rest}\" is not a duration; write \"30s\" or \"1h 30m\""),
                place,
            );
        }
        let (number, unit) = (&rest[..digits], &after[..letters]);
        if unit.is_empty() {
            let message = format!(
                "\"{number}\" has no unit; write \"{number}s\", or one of \"ms\", \"m\", \"h\", \"d\""
            );
            return wrong(message, part);
        }
        let Some((_, unit_millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let message = format!(
                "unknown unit \"{unit}\"; the units are \"ms\", \"s\", \"m\", \"h\" and \"d\""
            );
            return wrong(message, at + digits..part.end);
        };
        let sum = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*unit_millis))
            .and_then(|part| millis.checked_add(part))
            .filter(|sum| i64::try_from(*sum).is_ok());
        let Some(sum) = sum else {
            return wrong("this duration is too long to be counted".to_owned(), part);
        };
        millis = sum;
        at = part.end;
        parts += 1;
    }
    if parts == 0 {
        return wrong("expected a duration, like \"30s\" or \"1h 30m\"".to_owned(), 0..text.len());
    }
    Ok(Duration::from_millis(millis))
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
        assert_eq!(wrong("5 parsecs").place, 0..1);
        assert_eq!(wrong("5parsecs").place, 1..8);
        assert!(wrong("").message.contains("expected a duration"));
        assert!(wrong("-5s").message.contains("is not a duration"));
        assert!(wrong("99999999999999999999d").message.contains("too long"));
    }
}
