//! Bounds the history: whole days of the archive are dropped; old dead letters, and what was kept for a
//! time of its own, deleted.

use chrono::NaiveDate;

use crate::{
    job::Retention,
    store::{ArchivePartition, Dedicated, Servers, Store},
};

/// What one pass of the janitor did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) partitions_made: i32,
    pub(crate) partitions_dropped: usize,
    pub(crate) archived_deleted: u64,
    pub(crate) dead_letters_deleted: u64,
}

/// Keeps its connection between passes, so that a pass costs four short statements.
pub(crate) struct Janitor {
    store: Store,
    connection: Dedicated,
    retention: Retention,
}

/// So many rows go in one statement.
const BITE: i64 = 1000;

impl Janitor {
    pub(crate) fn new(store: Store, servers: &Servers, retention: Retention) -> Self {
        Self { store, connection: Dedicated::for_upkeep(servers), retention }
    }

    /// One pass over everything. What fails is said and left to the next pass.
    #[tracing::instrument(name = "janitor", level = "debug", skip_all)]
    pub(crate) async fn run_once(&mut self) -> sqlx::Result<Swept> {
        let partitions_made = self.make_partitions().await?;
        let (mut partitions_dropped, mut archived_deleted) = (0, 0);
        for partition in self.old_partitions().await? {
            if partition.holds_kept {
                archived_deleted += self.delete(Outdated::OfDay(partition.day)).await?;
                continue;
            }
            match self.drop_partition(&partition).await {
                Ok(()) => partitions_dropped += 1,
                // Somebody reads it, or another janitor is at it; there is a next pass.
                Err(error) => {
                    tracing::info!(%error, partition = partition.name, "an old partition of the archive could not be dropped yet");
                }
            }
        }
        archived_deleted += self.delete(Outdated::Archive).await?;
        let dead_letters_deleted = self.delete(Outdated::DeadLetters).await?;
        let swept =
            Swept { partitions_made, partitions_dropped, archived_deleted, dead_letters_deleted };
        if swept != Swept::default() {
            tracing::info!(
                partitions_made,
                partitions_dropped,
                archived_deleted,
                dead_letters_deleted,
                "tidied the history"
            );
        }
        Ok(swept)
    }

    async fn make_partitions(&mut self) -> sqlx::Result<i32> {
        self.connection
            .ask(async |connection| self.store.ensure_archive_partitions(connection).await)
            .await
    }

    async fn old_partitions(&mut self) -> sqlx::Result<Vec<ArchivePartition>> {
        self.connection
            .ask(async |connection| {
                self.store.list_archive_partitions(connection, self.retention.archive).await
            })
            .await
    }

    /// Detaches and drops, each step where the last one of a pass that was cut off stopped.
    async fn drop_partition(&mut self, partition: &ArchivePartition) -> sqlx::Result<()> {
        self.connection
            .ask_outside_transaction(async |connection| {
                let (store, name) = (&self.store, partition.name.as_str());
                if partition.detach_pending {
                    store.finish_detaching_archive_partition(connection, name).await?;
                } else if partition.attached {
                    store.detach_archive_partition(connection, name).await?;
                }
                store.drop_archive_partition(connection, name).await?;
                Ok(())
            })
            .await
    }

    /// Deletes in bites, until one is not full; returns how many rows went.
    async fn delete(&mut self, what: Outdated) -> sqlx::Result<u64> {
        let (store, keep) = (&self.store, self.retention.dead_letters);
        let mut deleted = 0;
        loop {
            let bite = self
                .connection
                .ask(async |connection| match what {
                    Outdated::OfDay(day) => store.delete_old_archive(connection, day, BITE).await,
                    Outdated::Archive => store.delete_expired_archive(connection, BITE).await,
                    Outdated::DeadLetters => {
                        store.delete_dead_letters(connection, keep, BITE).await
                    }
                })
                .await?;
            deleted += bite;
            if bite < BITE.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }
}

/// Rows that are deleted one by one.
#[derive(Clone, Copy)]
enum Outdated {
    /// Those of an old day of the archive that are not kept longer than others.
    OfDay(NaiveDate),
    /// Those of the archive that were kept for a time of their own.
    Archive,
    DeadLetters,
}
