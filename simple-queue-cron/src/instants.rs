//! The instant at which clocks of a zone show a time of day.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// 3 h, longer than any time that clocks have been set back by.
pub(crate) const LONGEST_OVERLAP: TimeDelta = TimeDelta::hours(3);

/// A time that the clocks skip is met when they have been set forward, one that they show twice is met the first time.
/// `None` beyond what is known of the zone.
pub(crate) fn of(zone: Tz, civil: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&civil) {
        LocalResult::Single(at) => Some(at.to_utc()),
        LocalResult::Ambiguous(first, second) => Some(std::cmp::min(first, second).to_utc()),
        LocalResult::None => GapInfo::new(&civil, &zone)?.end.map(|end| end.to_utc()),
    }
}
