//! Goes on with acts on many jobs whose processes have died, and bounds the history: drops whole days of the archive, and deletes old dead letters, jobs with a retention of their
//! own, and kept keys whose time is over.

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use uuid::Uuid;

use crate::{
    database::{Dedicated, Servers, failure::described},
    jitter,
    job::Retention,
    retry_pause::Pauses,
    store::{OldDay, Store},
    telemetry,
    upkeep::{
        acts::{Bite, Pace, bite},
        role::{Next, Role},
    },
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

/// 1 minute without progress, after which an act on many jobs counts as forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// 90 days, for which acts of operators are remembered.
const ACTS_KEPT_FOR: Duration = Duration::from_hours(90 * 24);

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
            let acts = self.go_on_with_acts().await;
            // Neither a day nor an act that cannot be handled must stop the deletion of expired rows.
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
            acts?;
            Ok(tidied)
        })
        .await
    }

    /// Goes on with acts that no process goes on with any more. Several processes may do so at once: each bite locks the
    /// act.
    async fn go_on_with_acts(&mut self) -> sqlx::Result<()> {
        let mut failed = Ok(());
        while let Some(act) = self.forgotten_act().await? {
            telemetry::upkeep::forgotten_act_found(&act);
            if let Err(error) = self.carry_out(act).await {
                let note = described(&error).to_string();
                self.connection
                    .ask(async |connection| self.store.put_off_act(connection, act, &note).await)
                    .await?;
                failed = Err(error);
            }
        }
        let forget = async |connection: &mut sqlx::PgConnection| {
            self.store.delete_old_acts(connection, ACTS_KEPT_FOR, BATCH).await
        };
        while self.connection.ask(forget).await? >= BATCH.unsigned_abs() {}
        failed
    }

    async fn carry_out(&mut self, act: Uuid) -> sqlx::Result<()> {
        let mut pace = Pace::default();
        loop {
            let bitten = self
                .connection
                .ask_in_transaction(async |connection| {
                    bite(&self.store, connection, act, pace).await
                })
                .await;
            match (pace.after(&bitten), bitten) {
                (Some(next), Ok(Bite::More) | Err(_)) => pace = next,
                (Some(_), Ok(Bite::Ended | Bite::NotOurs)) => return Ok(()),
                (None, bitten) => return bitten.map(drop),
            }
        }
    }

    async fn forgotten_act(&mut self) -> sqlx::Result<Option<Uuid>> {
        self.connection
            .ask(async |connection| {
                self.store.find_forgotten_act(connection, FORGOTTEN_AFTER).await
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
