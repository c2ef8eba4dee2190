//! What the roles of a worker know of the database without asking it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::Worker;
use crate::{
    database::failure::{described, is_not_migrated},
    queue::health::{Reports, Unhealthy},
};

/// What the roles of a worker have met since they last got through to the database.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    heartbeat: Trouble,
    fetch: Trouble,
}

/// What one role has met.
#[derive(Debug, Default)]
struct Trouble {
    /// Looked at first, so that a role that is well takes no lock.
    is_there: AtomicBool,
    last: Mutex<Option<Met>>,
}

#[derive(Debug, Clone)]
struct Met {
    since: Instant,
    problem: String,
    is_not_migrated: bool,
}

impl Troubles {
    pub(super) fn heartbeat_failed(&self, error: &sqlx::Error) {
        self.heartbeat.meet(error);
    }

    pub(super) fn heartbeat_succeeded(&self) {
        self.heartbeat.clear();
    }

    pub(super) fn fetch_failed(&self, error: &sqlx::Error) {
        self.fetch.meet(error);
    }

    pub(super) fn fetch_succeeded(&self) {
        self.fetch.clear();
    }
}

impl Trouble {
    fn meet(&self, error: &sqlx::Error) {
        let mut last = self.last.lock();
        let since = last.as_ref().map_or_else(Instant::now, |met| met.since);
        *last = Some(Met {
            since,
            problem: described(error).to_string(),
            is_not_migrated: is_not_migrated(error),
        });
        self.is_there.store(true, Ordering::Release);
    }

    fn clear(&self) {
        if self.is_there.swap(false, Ordering::AcqRel) {
            *self.last.lock() = None;
        }
    }

    fn last(&self) -> Option<Met> {
        self.last.lock().clone()
    }
}

impl Reports for Worker {
    fn problems(&self) -> Vec<Unhealthy> {
        if self.stopped.is_cancelled() {
            return vec![match self.ended.get() {
                Some(_) => Unhealthy::WorkerEnded { problem: self.why_ended().to_string() },
                None => Unhealthy::Stopped,
            }];
        }
        if self.stopping.is_cancelled() {
            return vec![Unhealthy::Stopping];
        }
        let heartbeat = self.troubles.heartbeat.last();
        let mut problems = Vec::new();
        if let Some(Met { problem, .. }) = heartbeat.clone().filter(|met| met.is_not_migrated) {
            problems.push(Unhealthy::NotMigrated { problem });
        }
        let problem = heartbeat.map(|met| met.problem);
        if !self.is_ready.load(Ordering::Acquire) {
            problems.push(Unhealthy::Starting { elapsed: self.started_at.elapsed(), problem });
            return problems;
        }
        let silent_for = self.beaten_at().elapsed();
        if silent_for > self.longest_silence() {
            problems.push(Unhealthy::HeartbeatSilent { silent_for, problem });
        }
        if let Some(Met { since, problem, .. }) = self.troubles.fetch.last() {
            let failing_for = since.elapsed();
            if failing_for > self.longest_silence() {
                problems.push(Unhealthy::FetchFailing { failing_for, problem });
            }
        }
        let unwritten = self.outbox.unwritten();
        if unwritten.stops_starts() {
            problems.push(Unhealthy::EndsUnwritten { runs: unwritten.runs() });
        }
        problems
    }
}

impl Worker {
    /// Two intervals, and a second in which a busy machine may be late.
    fn longest_silence(&self) -> Duration {
        2 * self.queue.config().heartbeat_interval + Duration::from_secs(1)
    }
}
