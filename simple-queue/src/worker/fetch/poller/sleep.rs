//! How the poller falls asleep and marks its worker idle for processes that enqueue.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::Poller;
use crate::{jitter, queue::config::Config};

/// The state of the poller's sleep.
///
/// An insert in a caller's transaction sends NOTIFY only if a worker was marked idle at the time of the insert. An
/// insert that ran just before the mark but commits after it sends none. So sleep begins with short naps, each as long
/// as the quiet time so far: such a job waits about as long as its transaction took.
#[derive(Debug)]
pub(super) struct SleepCycle {
    /// Since when nothing was found and the worker was marked idle.
    pub(super) quiet_since: Instant,
    /// The worker id under which the table says that this process is idle.
    pub(super) marked: Option<Uuid>,
    /// When the idle mark was last removed.
    unmarked_at: Option<Instant>,
    /// Since when every fetch has left more to fetch.
    busy_since: Option<Instant>,
}

const FIRST_NAP: Duration = Duration::from_millis(25);

/// 30 s between two polls of a worker that listens for notifications.
pub(super) const POLL_WHILE_LISTENING: Duration = Duration::from_secs(30);

/// 1 s of uninterrupted work, after which the worker's idle mark is removed, so that other processes skip the NOTIFY.
const BUSY_FOR_GOOD: Duration = Duration::from_secs(1);

/// 30 s, lower bound between two removals of the idle mark. Each leaves a dead row in a table that every insert reads.
const BETWEEN_UNMARKS: Duration = Duration::from_secs(30);

/// 1 s until the next poll of a process that has no row, unless its heartbeat writes one before.
const LOOK_WITHOUT_A_ROW: Duration = Duration::from_secs(1);

impl SleepCycle {
    pub(super) fn new() -> Self {
        Self { quiet_since: Instant::now(), marked: None, unmarked_at: None, busy_since: None }
    }
}

impl Poller {
    /// Called when nothing is due: marks the worker idle, polls once more, and then returns how long to sleep.
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
                // Other processes declared this one dead, so nothing was claimed, whatever was due. The heartbeat
                // notices, and wakes the poller under a new id.
                self.worker.has_no_row.store(true, Ordering::Release);
                self.worker.beat_soon.notify_one();
                return Ok(LOOK_WITHOUT_A_ROW);
            }
            self.sleep.marked = Some(worker_id);
            self.sleep.quiet_since = Instant::now();
            // Jobs that were enqueued before the mark sent no notification.
            return Ok(Duration::ZERO);
        }
        self.sleep.busy_since = None;
        #[cfg(feature = "testing")]
        self.worker.client.note_look();
        let longest = if self.worker.listening.load(Ordering::Acquire) {
            POLL_WHILE_LISTENING
        } else {
            config.empty_poll_sleep
        };
        // Many idle processes must not poll in the same moment.
        let longest = jitter::up_to(longest, 0.1);
        let nap = nap(self.sleep.quiet_since.elapsed(), longest);
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

/// How long to sleep after nothing was found for so long. The longest time may be shorter than the first nap, where an
/// application polls often.
fn nap(quiet: Duration, longest: Duration) -> Duration {
    std::cmp::min(std::cmp::max(quiet, FIRST_NAP), longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nap_is_as_long_as_the_quiet_before_and_never_longer_than_was_set() {
        let nap = |quiet, longest| {
            nap(Duration::from_millis(quiet), Duration::from_millis(longest)).as_millis()
        };
        assert_eq!(nap(0, 1000), 25);
        assert_eq!(nap(300, 1000), 300);
        assert_eq!(nap(5000, 1000), 1000);
        assert_eq!(nap(0, 10), 10);
    }
}
