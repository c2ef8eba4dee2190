//! Statements on the days of the archive. Each day is a partition.

#[cfg(feature = "janitor")]
use std::time::Duration;

#[cfg(feature = "janitor")]
use chrono::NaiveDate;
use sqlx::PgConnection;
#[cfg(feature = "janitor")]
use sqlx::Row;

use super::Store;
#[cfg(feature = "janitor")]
use super::decode::interval;

/// 7 days: partitions of the archive are created this long before they are needed.
pub(crate) const DAYS_AHEAD: i32 = 7;

/// 1 day: what a test needs, if it goes on until tomorrow.
#[cfg(feature = "testing")]
pub(super) const DAYS_AHEAD_OF_A_TEST: i32 = 1;

/// A day of the archive that is older than the retention.
#[cfg(feature = "janitor")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct OldDay {
    pub(crate) day: NaiveDate,
    /// It holds jobs with a longer retention of their own.
    pub(crate) holds_kept: bool,
}

impl Store {
    /// Creates the missing partitions of the archive; returns how many.
    pub(crate) async fn ensure_archive_partitions(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<i32> {
        self.statements
            .ensure_archive_partitions
            .query()
            .bind("days_ahead", self.days_ahead)
            .fetch_scalar(connection)
            .await
    }
}

#[cfg(feature = "janitor")]
impl Store {
    /// The days of the archive that are older than `keep`.
    pub(crate) async fn list_old_days(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
    ) -> sqlx::Result<Vec<OldDay>> {
        let days = self.statements.list_old_days.query().bind("keep", interval(keep));
        let rows = days.fetch_all(connection).await?;
        rows.iter()
            .map(|row| {
                Ok(OldDay { day: row.try_get("day")?, holds_kept: row.try_get("holds_kept")? })
            })
            .collect()
    }

    /// Drops a day of the archive with all its rows. Returns `false` if it is gone, or holds jobs with a longer
    /// retention.
    pub(crate) async fn drop_archive_day(
        &self,
        connection: &mut PgConnection,
        day: NaiveDate,
    ) -> sqlx::Result<bool> {
        self.statements.drop_archive_day.query().bind("day", day).fetch_scalar(connection).await
    }

    /// Deletes the archived jobs of a day, except those with a longer retention, at most `limit`; returns how many.
    pub(crate) async fn delete_old_archive(
        &self,
        connection: &mut PgConnection,
        day: NaiveDate,
        limit: i64,
    ) -> sqlx::Result<i64> {
        let done = self
            .statements
            .delete_old_archive
            .query()
            .bind("day", day)
            .bind("limit", limit)
            .execute(connection)
            .await?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }
}
