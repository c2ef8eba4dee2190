//! Converts rows and their values from and to the form of the tables, for every value that a column can hold.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{
    Column, Decode, Postgres, Row, Type,
    error::BoxDynError,
    postgres::{PgRow, PgTypeInfo, PgValueFormat, PgValueRef, types::PgInterval},
};
use uuid::Uuid;

use crate::{
    job::JobStatus,
    row::{DEFAULT_MAX_ATTEMPTS, FIRST_VERSION, Job, MadeId},
};

/// Defines a struct of column indexes. They are looked up by name once, in the first row of a result, because reading a
/// thousand rows by index is measurably faster.
macro_rules! columns {
    ($(#[$attribute:meta])* $name:ident { $($column:ident),* $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy)]
        pub(super) struct $name {
            $(pub(super) $column: usize,)*
        }

        impl $crate::store::decode::Columns for $name {
            fn of(row: &sqlx::postgres::PgRow) -> sqlx::Result<Self> {
                Ok(Self { $($column: $crate::store::decode::place(row, stringify!($column))?,)* })
            }
        }
    };
}
pub(super) use columns;

/// The indexes of the columns of a result.
pub(super) trait Columns: Sized {
    /// Looks them up in any of its rows.
    fn of(row: &PgRow) -> sqlx::Result<Self>;

    /// Reads all rows of a result.
    fn read<T>(
        rows: &[PgRow],
        read: impl Fn(&PgRow, &Self) -> sqlx::Result<T>,
    ) -> sqlx::Result<Vec<T>> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let columns = Self::of(first)?;
        rows.iter().map(|row| read(row, &columns)).collect()
    }
}

pub(super) fn place(row: &PgRow, column: &str) -> sqlx::Result<usize> {
    Ok(row.try_column(column)?.ordinal())
}

/// The start of year 1: earlier times are replaced by it.
pub(crate) const FIRST_TIME: DateTime<Utc> =
    DateTime::from_timestamp(-62_135_596_800, 0).expect("a time");
/// The end of year 9999: later times are replaced by it.
pub(crate) const LAST_TIME: DateTime<Utc> =
    DateTime::from_timestamp(253_402_300_799, 0).expect("a time");

/// A time of a table. The database can hold times at which the driver panics, `infinity` among them; such a time is
/// replaced by [`FIRST_TIME`] or [`LAST_TIME`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub(super) DateTime<Utc>);

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Time {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        /// 946,684,800 s in microseconds: from the Unix epoch to that of Postgres, the year 2000.
        const EPOCH: i64 = 946_684_800_000_000;
        if value.format() == PgValueFormat::Text {
            return Ok(Self(DateTime::<Utc>::decode(value)?));
        }
        let micros = <i64 as Decode<Postgres>>::decode(value)?.saturating_add(EPOCH);
        let end = if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        Ok(Self(time(DateTime::from_timestamp_micros(micros).unwrap_or(end))))
    }
}

/// A time in the range that the database can hold: earlier than year 1 or later than year 9999 is replaced by the
/// nearest bound, which makes no difference to when a job runs.
pub(super) fn time(time: DateTime<Utc>) -> DateTime<Utc> {
    time.clamp(FIRST_TIME, LAST_TIME)
}

/// A duration in the database's unit, microseconds; one that is too long becomes the longest.
pub(super) fn interval(duration: Duration) -> PgInterval {
    // 10,000 years: the longest interval that can still be added to the current time.
    const LONGEST: i64 = 10_000 * 365 * 24 * 60 * 60 * 1_000_000;
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds: std::cmp::min(microseconds, LONGEST) }
}

/// The database's seconds as a duration; a time in the past is zero.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(f64::max(seconds, 0.0)).unwrap_or(Duration::MAX)
}

columns! {
    /// The columns that every query for jobs reads.
    JobColumns {
        id, queue, kind, version, fingerprint, unique_key, created_at, run_at, attempt, job_data, max_attempts,
    }
}

/// A job with its payload as it is stored, without the time of its last change.
pub(super) fn read_job(row: &PgRow, columns: &JobColumns) -> sqlx::Result<Job> {
    let max_attempts: Option<i32> = row.try_get(columns.max_attempts)?;
    Ok(Job {
        id: row.try_get(columns.id)?,
        queue: row.try_get(columns.queue)?,
        kind: row.try_get(columns.kind)?,
        version: row.try_get::<Option<_>, _>(columns.version)?.unwrap_or(FIRST_VERSION),
        fingerprint: row.try_get(columns.fingerprint)?,
        unique_key: row.try_get(columns.unique_key)?,
        created_at: row.try_get::<Time, _>(columns.created_at)?.0,
        run_at: row.try_get::<Option<Time>, _>(columns.run_at)?.map(|Time(at)| at),
        updated_at: None,
        attempt: row.try_get(columns.attempt)?,
        status: JobStatus::Running.as_str().to_owned(),
        max_attempts: max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS),
        job_data: Value::Null,
        stored: row.try_get(columns.job_data)?,
        unwritable: None,
        claim: None,
        made_id: MadeId::used(),
    })
}

columns! {
    KeyColumns { id, unique_key }
}

/// Jobs by their unique keys.
pub(super) fn with_keys(rows: &[PgRow]) -> sqlx::Result<Vec<(Uuid, String)>> {
    KeyColumns::read(rows, |row, columns| {
        Ok((row.try_get(columns.id)?, row.try_get(columns.unique_key)?))
    })
}
