//! Bounds the history: whole days of the archive are dropped; old dead letters, and what was kept for a
//! time of its own, deleted.

use std::time::{Duration, Instant};

use chrono::NaiveDate;

use crate::{
    database::{Dedicated, Servers},
    jitter,
    job::Retention,
    retry_pause::Pauses,
    store::{OldDay, Store},
    upkeep::role::{Next, Role},
};

/// What one pass of the janitor did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tidied {
    pub(crate) partitions_made: i32,
    pub(crate) partitions_dropped: usize,
    pub(crate) archived_deleted: i64,
    pub(crate) dead_letters_deleted: i64,
}

/// Keeps its connection between passes, so that most passes cost one short statement.
pub(crate) struct Janitor {
    store: Store,
    connection: Dedicated,
    retention: Retention,
    interval: Duration,
    /// When the days of the archive are looked at next.
    days_due: Instant,
}

/// Days are whole, and made a week ahead, so they need not be looked at in each pass.
const DAYS_EVERY: Duration = Duration::from_hours(1);

/// So many rows go in one statement.
const BATCH: i64 = 1000;

/// 5 s: within this time of its start a process looks at the history for the first time. Beside what it was started
/// for, that can wait.
const FIRST_TIDYING: Duration = Duration::from_secs(5);

impl Role for Janitor {
    const NAME: &'static str = "janitor";

    /// Many processes may start together, so not all of them in the same moment.
    fn first_in(&self) -> Duration {
        jitter::up_to(std::cmp::min(self.interval, FIRST_TIDYING), 1.0)
    }

    async fn run_once(&mut self) -> sqlx::Result<Next> {
        self.tidy().await?;
        Ok(Next::About(self.interval))
    }

    fn failed(error: &sqlx::Error) {
        tracing::warn!(error = %crate::database::failure::described(error), "the history could not be tidied; trying again");
    }

    /// There is no haste.
    fn retries_after(&self) -> Pauses {
        Pauses { first: self.interval, longest: self.interval, jitter: 0.2 }
    }
}

impl Janitor {
    pub(crate) fn new(
        store: Store,
        servers: &Servers,
        retention: Retention,
        interval: Duration,
    ) -> Self {
        let connection = Dedicated::for_upkeep(servers);
        Self { store, connection, retention, interval, days_due: Instant::now() }
    }

    /// One pass over everything that is due. What fails is said and left to the next pass.
    #[tracing::instrument(name = "janitor", level = "debug", skip_all)]
    async fn tidy(&mut self) -> sqlx::Result<Tidied> {
        let mut tidied = Tidied::default();
        let days = if self.days_due <= Instant::now() {
            self.tend_days(&mut tidied).await
        } else {
            Ok(())
        };
        // A day that cannot be handled is no reason to keep what is in the tables.
        self.delete_expired(&mut tidied).await?;
        if tidied != Tidied::default() {
            tracing::info!(
                partitions_made = tidied.partitions_made,
                partitions_dropped = tidied.partitions_dropped,
                archived_deleted = tidied.archived_deleted,
                dead_letters_deleted = tidied.dead_letters_deleted,
                "tidied the history"
            );
        }
        days?;
        Ok(tidied)
    }

    /// Makes days ahead and removes old ones; again in the next pass if one could not be removed.
    async fn tend_days(&mut self, tidied: &mut Tidied) -> sqlx::Result<()> {
        tidied.partitions_made = self.make_partitions().await?;
        let mut is_done = true;
        for OldDay { day, holds_kept } in self.old_days().await? {
            if holds_kept {
                tidied.archived_deleted += self.delete_old_day(day).await?;
                continue;
            }
            match self.drop_day(day).await {
                Ok(dropped) => tidied.partitions_dropped += usize::from(dropped),
                // Its lock would keep everybody waiting who uses the archive meanwhile; there is a next pass.
                Err(error) => {
                    is_done = false;
                    tracing::info!(error = %crate::database::failure::described(&error), %day, "an old day of the archive could not be dropped yet");
                }
            }
        }
        if is_done {
            self.days_due = Instant::now() + DAYS_EVERY;
        }
        Ok(())
    }

    async fn make_partitions(&mut self) -> sqlx::Result<i32> {
        self.connection
            .ask(async |connection| self.store.ensure_archive_partitions(connection).await)
            .await
    }

    async fn old_days(&mut self) -> sqlx::Result<Vec<OldDay>> {
        let keep = self.retention.archive;
        self.connection
            .ask(async |connection| self.store.list_old_days(connection, keep).await)
            .await
    }

    async fn drop_day(&mut self, day: NaiveDate) -> sqlx::Result<bool> {
        self.connection
            .ask(async |connection| self.store.drop_archive_day(connection, day).await)
            .await
    }

    /// Deletes in batches, until none is full.
    async fn delete_expired(&mut self, tidied: &mut Tidied) -> sqlx::Result<()> {
        let keep = self.retention.dead_letters;
        loop {
            let batch = self
                .connection
                .ask(async |connection| self.store.delete_expired(connection, keep, BATCH).await)
                .await?;
            tidied.archived_deleted += batch.archived;
            tidied.dead_letters_deleted += batch.dead_letters;
            if batch.archived < BATCH && batch.dead_letters < BATCH {
                return Ok(());
            }
        }
    }

    /// As [`Janitor::delete_expired`], of a day what is not kept longer than it; returns how many rows went.
    async fn delete_old_day(&mut self, day: NaiveDate) -> sqlx::Result<i64> {
        let mut deleted = 0;
        loop {
            let batch = self
                .connection
                .ask(async |connection| self.store.delete_old_archive(connection, day, BATCH).await)
                .await?;
            deleted += batch;
            if batch < BATCH {
                return Ok(deleted);
            }
        }
    }
}
