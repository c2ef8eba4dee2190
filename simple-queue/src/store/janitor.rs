//! Statements of the janitor.

use std::time::Duration;

use chrono::NaiveDate;
use sqlx::{PgConnection, Row};

use super::{Store, enqueue::interval, statements::Statement};

/// A partition of the archive whose day is older than what is kept.
#[derive(Debug, Clone)]
pub(crate) struct ArchivePartition {
    pub(crate) name: String,
    pub(crate) day: NaiveDate,
    pub(crate) attached: bool,
    /// A detach was begun and not ended, because its process died.
    pub(crate) detach_pending: bool,
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
    /// The partitions of the archive that are older than `keep`.
    pub(crate) async fn list_archive_partitions(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
    ) -> sqlx::Result<Vec<ArchivePartition>> {
        let rows = self
            .statements
            .list_archive_partitions
            .query()
            .bind(interval(keep))
            .fetch_all(connection)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ArchivePartition {
                    name: row.try_get("name")?,
                    attached: row.try_get("attached")?,
                    day: row.try_get("day")?,
                    detach_pending: row.try_get("detach_pending")?,
                    holds_kept: row.try_get("holds_kept")?,
                })
            })
            .collect()
    }

    /// Takes a partition out of the archive without keeping its readers and writers waiting.
    pub(crate) async fn detach_archive_partition(
        &self,
        connection: &mut PgConnection,
        partition: &str,
    ) -> sqlx::Result<()> {
        on_partition(connection, &self.statements.detach_archive_partition, partition).await
    }

    /// Ends a detach that another process began.
    pub(crate) async fn finish_detaching_archive_partition(
        &self,
        connection: &mut PgConnection,
        partition: &str,
    ) -> sqlx::Result<()> {
        on_partition(connection, &self.statements.finish_detaching_archive_partition, partition)
            .await
    }

    /// Removes a partition that has been detached, with all its rows.
    pub(crate) async fn drop_archive_partition(
        &self,
        connection: &mut PgConnection,
        partition: &str,
    ) -> sqlx::Result<()> {
        on_partition(connection, &self.statements.drop_archive_partition, partition).await
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

/// Statements that change the structure of a table know no parameters and cannot be prepared.
async fn on_partition(
    connection: &mut PgConnection,
    statement: &Statement,
    partition: &str,
) -> sqlx::Result<()> {
    sqlx::raw_sql(statement.for_partition(partition)).execute(connection).await?;
    Ok(())
}
