//! Times and durations.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};

/// A time in UTC; the script writes it as the browser does.
pub(crate) fn time(at: DateTime<Utc>) -> Markup {
    html! {
        time datetime=(at.to_rfc3339_opts(SecondsFormat::Millis, true)) {
            (at.format("%F %T")) " UTC"
        }
    }
}

/// A duration in one unit, short: `3.2 s`, `45 min`.
pub(crate) fn lasting(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let written = |number: f64, unit: &str| {
        if number < 9.95 && number.fract() > 0.0 {
            format!("{number:.1} {unit}")
        } else {
            format!("{number:.0} {unit}")
        }
    };
    match seconds {
        _ if seconds < 0.001 => "< 1 ms".to_owned(),
        _ if seconds < 1.0 => written(seconds * 1000.0, "ms"),
        _ if seconds < 60.0 => written(seconds, "s"),
        _ if seconds < 3600.0 => written(seconds / 60.0, "min"),
        _ if seconds < 86_400.0 => written(seconds / 3600.0, "h"),
        _ => written(seconds / 86_400.0, "d"),
    }
}

/// A time as it is typed: `10m`, `2h` or `1d` from now, `now`, or RFC 3339.
pub(crate) fn parse_when(typed: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if typed == "now" {
        return Some(now);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(typed) {
        return Some(at.to_utc());
    }
    now.checked_add_signed(chrono::TimeDelta::from_std(parse_lasting(typed)?).ok()?)
}

/// A duration as it is typed: `90s`, `10m`, `2h`, `1d`.
fn parse_lasting(typed: &str) -> Option<Duration> {
    let (number, unit) = typed.split_at_checked(typed.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u64 = number.trim().parse().ok()?;
    Some(Duration::from_secs(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_in_one_unit() {
        for (seconds, told) in [
            (0.0, "< 1 ms"),
            (0.0032, "3.2 ms"),
            (0.25, "250 ms"),
            (1.0, "1 s"),
            (3.24, "3.2 s"),
            (59.0, "59 s"),
            (90.0, "1.5 min"),
            (7200.0, "2 h"),
            (200_000.0, "2.3 d"),
        ] {
            assert_eq!(lasting(Duration::from_secs_f64(seconds)), told);
        }
    }

    #[test]
    fn a_time_is_typed_from_now_or_exactly() {
        let now: DateTime<Utc> = "2026-11-30T10:00:00Z".parse().unwrap();
        for (typed, at) in [
            ("now", "2026-11-30T10:00:00Z"),
            ("90s", "2026-11-30T10:01:30Z"),
            ("10m", "2026-11-30T10:10:00Z"),
            ("1d", "2026-12-01T10:00:00Z"),
            ("2026-12-24T18:00:00+01:00", "2026-12-24T17:00:00Z"),
        ] {
            assert_eq!(parse_when(typed, now), Some(at.parse().unwrap()), "{typed}");
        }
        for typed in ["", "m", "10", "ten", "10ü", "-5m", "99999999999999999999d"] {
            assert_eq!(parse_when(typed, now), None, "{typed}");
        }
    }
}
