//! Statements of the reaper and the janitor.

use std::time::Duration;

use sqlx::{PgConnection, Row};

use super::{Silent, Store, enqueue::interval, statements::Statement};

/// Partitions of the archive are there a week before they are needed.
const DAYS_AHEAD: i32 = 7;

/// What a reaping came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reaped {
    /// Processes that were buried.
    pub(crate) workers: i64,
    /// Jobs that went back to pending.
    pub(crate) returned: i64,
    /// Jobs that had killed too many processes, or were to be cancelled anyway.
    pub(crate) dead_lettered: i64,
}

/// A partition of the archive whose day is older than what is kept.
#[derive(Debug, Clone)]
pub(crate) struct ArchivePartition {
    pub(crate) name: String,
    pub(crate) attached: bool,
    /// A detach was begun and not ended, because its process died.
    pub(crate) detach_pending: bool,
}

impl Store {
    /// Buries these processes where their heartbeat has not moved, and returns their jobs and those of
    /// processes that are in no row.
    pub(crate) async fn reap_workers(
        &self,
        connection: &mut PgConnection,
        dead: &[Silent],
        max_crash_count: i32,
    ) -> sqlx::Result<Reaped> {
        let row = sqlx::query(self.statements.reap_workers.text())
            .bind(dead.iter().map(|silent| silent.id).collect::<Vec<_>>())
            .bind(dead.iter().map(|silent| silent.heartbeat_at).collect::<Vec<_>>())
            .bind(max_crash_count)
            .fetch_one(connection)
            .await?;
        Ok(Reaped {
            workers: row.try_get("workers")?,
            returned: row.try_get("returned")?,
            dead_lettered: row.try_get("dead_lettered")?,
        })
    }

    /// Makes the partitions of the archive that are missing; returns how many it made.
    pub(crate) async fn ensure_archive_partitions(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<i32> {
        sqlx::query_scalar(self.statements.ensure_archive_partitions.text())
            .bind(DAYS_AHEAD)
            .fetch_one(connection)
            .await
    }

    /// The partitions of the archive that are older than `keep`.
    pub(crate) async fn list_archive_partitions(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
    ) -> sqlx::Result<Vec<ArchivePartition>> {
        let rows = sqlx::query(self.statements.list_archive_partitions.text())
            .bind(interval(keep))
            .fetch_all(connection)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ArchivePartition {
                    name: row.try_get("name")?,
                    attached: row.try_get("attached")?,
                    detach_pending: row.try_get("detach_pending")?,
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

    /// Deletes dead letters older than `keep`, at most `limit`; returns how many.
    pub(crate) async fn delete_dead_letters(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
        limit: i64,
    ) -> sqlx::Result<u64> {
        let done = sqlx::query(self.statements.delete_dead_letters.text())
            .bind(interval(keep))
            .bind(limit)
            .execute(connection)
            .await?;
        Ok(done.rows_affected())
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
