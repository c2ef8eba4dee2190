//! How the poller falls asleep, and says so to those who enqueue.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::Poller;
use crate::{jitter, queue::config::Config};

/// The poller's way into sleep.
///
/// Whoever enqueues in a transaction of his own notifies only if a worker is marked idle when he
/// inserts. One who inserted just before the mark and commits after it notifies nobody; so sleep
/// begins in naps, each as long as it has been quiet: his job waits at most about as long as his
/// transaction took.
#[derive(Debug)]
pub(super) struct SleepCycle {
    /// Since when nothing was found, and the worker was marked.
    pub(super) quiet_since: Instant,
    /// The worker id under which the table says that this process is idle.
    pub(super) marked: Option<Uuid>,
    /// When the mark was last removed.
    unmarked_at: Option<Instant>,
    /// Since when there has always been more to fetch.
    busy_since: Option<Instant>,
}

const FIRST_NAP: Duration = Duration::from_millis(25);

/// How often a worker that hears notifications looks all the same.
pub(super) const POLL_WHILE_LISTENING: Duration = Duration::from_secs(30);

/// 1 s: a worker that was busy for so long is no longer marked idle, which spares others the notifying.
const BUSY_FOR_GOOD: Duration = Duration::from_secs(1);

/// 30 s: a mark is removed at most so often. Each leaves a dead row in a table that every insert reads.
const BETWEEN_UNMARKS: Duration = Duration::from_secs(30);

/// 1 s until a process looks again that has no row, unless its heartbeat has written one before.
const LOOK_WITHOUT_A_ROW: Duration = Duration::from_secs(1);

impl SleepCycle {
    pub(super) fn new() -> Self {
        Self { quiet_since: Instant::now(), marked: None, unmarked_at: None, busy_since: None }
    }
}

impl Poller {
    /// Nothing is due: says so in the table, looks once more, and then sleeps until something is.
    pub(super) async fn fall_asleep(
        &mut self,
        next_due_in: Option<Duration>,
        config: &Config,
    ) -> sqlx::Result<Duration> {
        let worker_id = self.worker.id();
        if self.sleep.marked != Some(worker_id) {
            let store = &self.worker.store;
            let is_marked = self
                .connection
                .ask(async |connection| store.mark_idle(connection, worker_id).await)
                .await?;
            if !is_marked {
                // Others took this process for dead: nothing was claimed, whatever was due. The heartbeat hears of it,
                // and wakes the poller under a new id.
                self.worker.has_no_row.store(true, Ordering::Release);
                self.worker.beat_soon.notify_one();
                return Ok(LOOK_WITHOUT_A_ROW);
            }
            self.sleep.marked = Some(worker_id);
            self.sleep.quiet_since = Instant::now();
            // What was enqueued before the mark notified nobody.
            return Ok(Duration::ZERO);
        }
        self.sleep.busy_since = None;
        let longest = if self.worker.listening.load(Ordering::Acquire) {
            POLL_WHILE_LISTENING
        } else {
            config.empty_poll_sleep
        };
        // A hundred idle processes must not look in the same moment.
        let longest = jitter::up_to(longest, 0.1);
        let nap = self.sleep.quiet_since.elapsed().clamp(FIRST_NAP, longest);
        Ok(next_due_in.map_or(nap, |due| std::cmp::min(due, nap)))
    }

    pub(super) async fn unmark_idle_if_busy(&mut self) -> sqlx::Result<()> {
        let busy_since = *self.sleep.busy_since.get_or_insert_with(Instant::now);
        let is_settled = self.sleep.unmarked_at.is_none_or(|at| at.elapsed() > BETWEEN_UNMARKS);
        if let Some(worker_id) = self.sleep.marked
            && busy_since.elapsed() > BUSY_FOR_GOOD
            && is_settled
        {
            let store = &self.worker.store;
            self.connection
                .ask(async |connection| store.unmark_idle(connection, worker_id).await)
                .await?;
            (self.sleep.marked, self.sleep.unmarked_at) = (None, Some(Instant::now()));
        }
        Ok(())
    }
}
