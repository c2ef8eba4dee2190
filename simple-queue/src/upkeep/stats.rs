//! Adds what this process has counted to the database's counts, and keeps those small.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    database::{
        Dedicated, Servers,
        failure::{described, is_statement_timeout},
    },
    jitter,
    retry_pause::Pauses,
    stats::Tally,
    store::Store,
    telemetry,
    upkeep::role::{Next, Role},
};

/// The role that writes the statistics.
pub(crate) struct Stats {
    store: Store,
    connection: Dedicated,
    /// For counts, which the server ends soon.
    counting: Dedicated,
    tally: Arc<Tally>,
}

/// 10,001, upper bound of each count of waiting jobs: more is shown as 10,000+.
const MOST_COUNTED: i32 = 10_001;

/// 300 ms a minute for the counts of all queues together. Those that are not reached are counted in another minute.
const COUNTING: Duration = Duration::from_millis(300);

/// 500 ms, upper bound of one count.
const LONGEST_COUNT: Duration = Duration::from_millis(500);

/// 1 minute between two times that a process adds its counts, which is the width of the narrowest rows.
const FLUSH: Duration = Duration::from_mins(1);

/// 2 s, upper bound of the last flush, for which the stop of the worker waits.
const LAST_FLUSH: Duration = Duration::from_secs(2);

/// 10,000, upper bound of the old rows that one statement deletes.
const BATCH: u32 = 10_000;

impl Role for Stats {
    const NAME: &'static str = "stats";

    /// The delay is random: processes that add to the same rows at once wait for each other.
    fn first_in(&self) -> Duration {
        jitter::up_to(FLUSH, 1.0)
    }

    async fn run_once(&mut self) -> sqlx::Result<Next> {
        self.flush().await?;
        self.roll_up().await?;
        // A session costs the server memory.
        self.connection.close().await;
        self.count_waiting().await?;
        self.counting.close().await;
        Ok(Next::About(FLUSH))
    }

    async fn last(&mut self) {
        match tokio::time::timeout(LAST_FLUSH, self.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => telemetry::stats::last_not_written(&described(&error)),
            Err(late) => telemetry::stats::last_not_written(&late),
        }
    }

    fn failed(error: &sqlx::Error) {
        telemetry::stats::failed(&described(error));
    }

    /// The counts are kept, and the next minute is soon enough.
    fn retries_after(&self) -> Pauses {
        Pauses { first: FLUSH, longest: FLUSH, jitter: 0.2 }
    }
}

impl Stats {
    pub(crate) fn new(store: Store, servers: &Servers, tally: Arc<Tally>) -> Self {
        let counting = Dedicated::with_timeout(servers, LONGEST_COUNT);
        Self { store, connection: Dedicated::for_upkeep(servers), counting, tally }
    }

    /// Adds the counts since the last time. If that fails they are counted again, perhaps twice where only the answer
    /// was lost.
    async fn flush(&mut self) -> sqlx::Result<()> {
        let counted = self.tally.take();
        if counted.is_empty() {
            return Ok(());
        }
        let store = &self.store;
        let added = self
            .connection
            .ask(async |connection| store.add_stats(connection, &counted).await)
            .await;
        if added.is_err() {
            self.tally.give_back(&counted);
        }
        added
    }

    /// Computes the wider rows anew from the narrower ones, and deletes old rows. One process does it for all.
    async fn roll_up(&mut self) -> sqlx::Result<()> {
        let store = &self.store;
        self.connection
            .ask_in_transaction(async |connection| store.roll_up_stats(connection).await)
            .await?;
        loop {
            let deleted = self
                .connection
                .ask(async |connection| store.delete_old_stats(connection, BATCH).await)
                .await?;
            if deleted < u64::from(BATCH) {
                return Ok(());
            }
        }
    }

    /// Counts the jobs that wait in each queue, once a minute by one process, beginning with any queue. A queue whose
    /// count takes too long is left out.
    async fn count_waiting(&mut self) -> sqlx::Result<()> {
        let store = &self.store;
        let mut queues = self
            .counting
            .ask_in_transaction(async |connection| {
                store.claim_sampling(connection, FLUSH / 2).await
            })
            .await?;
        let first = fastrand::usize(..std::cmp::max(queues.len(), 1));
        queues.rotate_left(first);
        let began = Instant::now();
        for queue in queues {
            if began.elapsed() >= COUNTING {
                break;
            }
            let counted = self
                .counting
                .ask(async |connection| store.sample_depth(connection, &queue, MOST_COUNTED).await);
            match counted.await {
                Ok(()) => {}
                Err(error) if is_statement_timeout(&error) => telemetry::stats::not_counted(&queue),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
