//! Values as the tables hold them, there and back, whatever is in them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueFormat, PgValueRef, types::PgInterval},
};

/// The year 1: times before it are moved there.
pub(crate) const FIRST_TIME: DateTime<Utc> =
    DateTime::from_timestamp(-62_135_596_800, 0).expect("a time");
/// The end of the year 9999: times after it are moved there.
pub(crate) const LAST_TIME: DateTime<Utc> =
    DateTime::from_timestamp(253_402_300_799, 0).expect("a time");

/// A time of a table. The database has times that the driver panics at, `infinity` among them; this one is moved to
/// the first or the last that are used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub(super) DateTime<Utc>);

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Time {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        /// From the epoch of Unix to that of Postgres, the year 2000, in microseconds.
        const EPOCH: i64 = 946_684_800_000_000;
        if value.format() == PgValueFormat::Text {
            return Ok(Self(DateTime::<Utc>::decode(value)?));
        }
        let micros = <i64 as Decode<Postgres>>::decode(value)?.saturating_add(EPOCH);
        let end = if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        Ok(Self(time(DateTime::from_timestamp_micros(micros).unwrap_or(end))))
    }
}

/// A time as the database can hold it: what lies before our era or after the year 9999 is moved there,
/// which makes no difference to when a job runs.
pub(super) fn time(time: DateTime<Utc>) -> DateTime<Utc> {
    time.clamp(FIRST_TIME, LAST_TIME)
}

/// A duration as the database counts it, to the microsecond; what is too long becomes the longest.
pub(super) fn interval(duration: Duration) -> PgInterval {
    // The longest interval that can still be added to the current time.
    const LONGEST: i64 = 10_000 * 365 * 24 * 60 * 60 * 1_000_000;
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds: std::cmp::min(microseconds, LONGEST) }
}

/// The database's seconds as a duration; a time that has passed already is no wait.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(f64::max(seconds, 0.0)).unwrap_or(Duration::MAX)
}
