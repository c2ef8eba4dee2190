//! Bounds the history: drops whole days of the archive, and deletes old dead letters, jobs with a retention of their
//! own, and kept keys whose time is over.

use std::time::{Duration, Instant};

use chrono::NaiveDate;

use crate::{
    database::{Dedicated, Servers, failure::described},
    jitter,
    job::Retention,
    retry_pause::Pauses,
    store::{OldDay, Store},
    telemetry,
    upkeep::role::{Next, Role},
};

/// What one pass of the janitor did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tidied {
    pub(crate) partitions_made: i32,
    pub(crate) partitions_dropped: usize,
    pub(crate) archived_deleted: i64,
    pub(crate) dead_letters_deleted: i64,
    pub(crate) kept_keys_deleted: i64,
}

/// The role that bounds the history. It keeps its connection between passes, so most passes cost one short statement.
pub(crate) struct Janitor {
    store: Store,
    connection: Dedicated,
    retention: Retention,
    interval: Duration,
    /// When the days of the archive are checked next.
    days_due: Instant,
}

/// 1 hour between two checks of the days of the archive. Days are whole and are created a week ahead, so most passes
/// can skip them.
const DAYS_EVERY: Duration = Duration::from_hours(1);

/// Upper bound of the rows that one statement deletes.
const BATCH: i64 = 1000;

/// 5 s, upper bound of the first (random) delay of the janitor. The history can wait until a starting process has begun
/// its jobs.
const FIRST_TIDYING: Duration = Duration::from_secs(5);

impl Role for Janitor {
    const NAME: &'static str = "janitor";

    /// The delay is random, because many processes may start together.
    fn first_in(&self) -> Duration {
        jitter::up_to(std::cmp::min(self.interval, FIRST_TIDYING), 1.0)
    }

    async fn run_once(&mut self) -> sqlx::Result<Next> {
        self.tidy().await?;
        Ok(Next::About(self.interval))
    }

    fn failed(error: &sqlx::Error) {
        telemetry::upkeep::janitor_failed(&described(error));
    }

    /// The next regular pass is soon enough.
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

    /// One pass over everything that is due. A failure is logged and left to the next pass.
    async fn tidy(&mut self) -> sqlx::Result<Tidied> {
        telemetry::upkeep::janitor_span(async {
            let mut tidied = Tidied::default();
            let days = if self.days_due <= Instant::now() {
                self.tend_days(&mut tidied).await
            } else {
                Ok(())
            };
            // A day that cannot be handled must not stop the deletion of expired rows.
            self.delete_expired(&mut tidied).await?;
            if tidied != Tidied::default() {
                telemetry::upkeep::history_cleaned_up(
                    tidied.partitions_made,
                    tidied.partitions_dropped,
                    tidied.archived_deleted,
                    tidied.dead_letters_deleted,
                    tidied.kept_keys_deleted,
                );
            }
            days?;
            Ok(tidied)
        })
        .await
    }

    /// Creates days ahead and removes old ones. If one cannot be removed, the next pass tries again.
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
                // Waiting for the lock would block every other user of the archive. The next pass tries again.
                Err(error) => {
                    is_done = false;
                    telemetry::upkeep::day_not_dropped(&day, &described(&error));
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

    /// Deletes expired rows in batches, until a batch is not full.
    async fn delete_expired(&mut self, tidied: &mut Tidied) -> sqlx::Result<()> {
        let keep = self.retention.dead_letters;
        loop {
            let batch = self
                .connection
                .ask(async |connection| self.store.delete_expired(connection, keep, BATCH).await)
                .await?;
            tidied.archived_deleted += batch.archived;
            tidied.dead_letters_deleted += batch.dead_letters;
            tidied.kept_keys_deleted += batch.kept_keys;
            let deleted = [batch.archived, batch.dead_letters, batch.kept_keys];
            if deleted.iter().all(|&deleted| deleted < BATCH) {
                return Ok(());
            }
        }
    }

    /// As [`Janitor::delete_expired`], for one day of the archive: deletes the rows whose retention has passed, and
    /// returns how many it deleted.
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
