//! Times and durations in words.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Reads `90s`, `15m`, `24h` or `7d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("`{text}` is no time; write a number and s, m, h or d, as in 24h");
    let unit = text.chars().last().ok_or_else(problem)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(problem()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| problem())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(problem)
}

/// `4 s`, `12 min`, `3 h`, `5 d`: the largest unit of which there are two or more.
pub(crate) fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `4 s ago` or `in 12 min`.
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - at).to_std() {
        Ok(past) if past.as_millis() == 0 => "now".to_owned(),
        Ok(past) => format!("{} ago", short(past)),
        Err(_) => format!("in {}", short((at - now).to_std().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "7", "d", "-1h", "1.5h", "7w", "99999999999999999999d", "é"] {
            assert!(parse_duration(text).unwrap_err().contains("as in 24h"), "{text}");
        }
    }

    #[test]
    fn times_are_told_from_now() {
        let now = DateTime::from_timestamp(1_796_000_000, 0).unwrap();
        let at = |seconds: i64| DateTime::from_timestamp(1_796_000_000 + seconds, 0).unwrap();
        for (seconds, words) in [
            (0, "now"),
            (-4, "4 s ago"),
            (-119, "119 s ago"),
            (-720, "12 min ago"),
            (7200, "in 2 h"),
            (-172_800, "2 d ago"),
        ] {
            assert_eq!(ago(at(seconds), now), words);
        }
    }
}
