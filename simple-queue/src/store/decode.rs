//! Rows and their values, as the tables hold them, there and back, whatever is in them.

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

/// A struct of the places of columns in a result. They are found by their names once, in its first row: for a
/// thousand rows it matters that each value is found by a number.
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

/// The places of columns in a result.
pub(super) trait Columns: Sized {
    /// Finds them in any of its rows.
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

columns! {
    /// What is read of each job, whatever asks for it.
    JobColumns {
        id, queue, kind, version, fingerprint, unique_key, created_at, run_at, attempt, job_data, max_attempts,
    }
}

/// A job, but for its last change, with its payload as it is stored.
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
