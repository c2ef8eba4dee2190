//! Statements of the janitor.

use std::time::Duration;

use chrono::NaiveDate;
use sqlx::{PgConnection, Row};

use super::{Store, decode::interval};

/// A day of the archive that is older than what is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OldDay {
    pub(crate) day: NaiveDate,
    /// It holds jobs that are kept longer than others.
    pub(crate) holds_kept: bool,
}

/// How many rows of the history went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeletedHistory {
    pub(crate) archived: i64,
    pub(crate) dead_letters: i64,
}

impl Store {
    /// The days of the archive that are older than `keep`.
    pub(crate) async fn list_old_days(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
    ) -> sqlx::Result<Vec<OldDay>> {
        let days = self.statements.list_old_days.query().bind(interval(keep));
        let rows = days.fetch_all(connection).await?;
        rows.iter()
            .map(|row| {
                Ok(OldDay { day: row.try_get("day")?, holds_kept: row.try_get("holds_kept")? })
            })
            .collect()
    }

    /// Removes a day of the archive with all its rows; `false` if it is gone, or holds what is kept longer.
    pub(crate) async fn drop_archive_day(
        &self,
        connection: &mut PgConnection,
        day: NaiveDate,
    ) -> sqlx::Result<bool> {
        self.statements.drop_archive_day.query_scalar().bind(day).fetch_one(connection).await
    }

    /// Deletes what was kept for a time of its own, and dead letters older than `keep`, at most `limit` of
    /// each table.
    pub(crate) async fn delete_expired(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
        limit: i64,
    ) -> sqlx::Result<DeletedHistory> {
        let row = self
            .statements
            .delete_expired
            .query()
            .bind(interval(keep))
            .bind(limit)
            .fetch_one(connection)
            .await?;
        Ok(DeletedHistory {
            archived: row.try_get("archived")?,
            dead_letters: row.try_get("dead_letters")?,
        })
    }

    /// Deletes the archived jobs of a day but those that are kept longer, at most `limit`; returns how
    /// many.
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
            .bind(day)
            .bind(limit)
            .execute(connection)
            .await?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }
}
