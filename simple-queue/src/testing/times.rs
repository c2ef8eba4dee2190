//! Short names for durations.

use std::time::Duration;

/// Returns this many milliseconds.
#[must_use]
pub const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Returns this many seconds.
#[must_use]
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns this many minutes.
#[must_use]
pub const fn mins(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// Returns this many hours.
#[must_use]
pub const fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

/// Returns this many times 24 hours.
#[must_use]
pub const fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}
