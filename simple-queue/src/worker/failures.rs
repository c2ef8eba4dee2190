//! What the roles of a worker know about the database without asking it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::Worker;
use crate::{
    database::failure::{described, is_not_migrated},
    queue::{health::Unhealthy, workers::Reports},
};

/// The failures of a worker's roles since their last success.
#[derive(Debug, Default)]
pub(super) struct RoleFailures {
    heartbeat: LastFailure,
    /// The process says that it lives, and learns nothing.
    refused_heartbeat: LastFailure,
    fetch: LastFailure,
}

/// The last failure of one role.
#[derive(Debug, Default)]
struct LastFailure {
    /// Checked first, so that a healthy role takes no lock.
    is_there: AtomicBool,
    last: Mutex<Option<Failure>>,
}

#[derive(Debug, Clone)]
struct Failure {
    since: Instant,
    problem: String,
    is_not_migrated: bool,
}

impl RoleFailures {
    pub(super) fn heartbeat_failed(&self, error: &sqlx::Error) {
        self.heartbeat.record(error);
    }

    pub(super) fn heartbeat_succeeded(&self) {
        self.heartbeat.clear();
    }

    pub(super) fn heartbeat_refused(&self, error: &sqlx::Error) {
        self.refused_heartbeat.record(error);
    }

    pub(super) fn heartbeat_not_refused(&self) {
        self.refused_heartbeat.clear();
    }

    pub(super) fn fetch_failed(&self, error: &sqlx::Error) {
        self.fetch.record(error);
    }

    pub(super) fn fetch_succeeded(&self) {
        self.fetch.clear();
    }
}

impl LastFailure {
    fn record(&self, error: &sqlx::Error) {
        let mut last = self.last.lock();
        let since = last.as_ref().map_or_else(Instant::now, |failure| failure.since);
        *last = Some(Failure {
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

    fn last(&self) -> Option<Failure> {
        self.last.lock().clone()
    }
}

impl Reports for Worker {
    fn is_over(&self) -> bool {
        self.stopping.is_cancelled()
    }

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
        let heartbeat = self.failures.heartbeat.last();
        let mut problems = Vec::new();
        if let Some(Failure { problem, .. }) =
            heartbeat.clone().filter(|failure| failure.is_not_migrated)
        {
            problems.push(Unhealthy::NotMigrated { problem });
        }
        let problem = heartbeat.map(|failure| failure.problem);
        if !self.is_ready.load(Ordering::Acquire) {
            problems.push(Unhealthy::Starting { elapsed: self.started_at.elapsed(), problem });
            return problems;
        }
        let silent_for = self.beaten_at().map_or(Duration::ZERO, |at| at.elapsed());
        if silent_for > self.longest_silence() {
            problems.push(Unhealthy::HeartbeatSilent { silent_for, problem });
        }
        let lasting = |of: &LastFailure| {
            let Failure { since, problem, .. } = of.last()?;
            Some((since.elapsed(), problem)).filter(|(time, _)| *time > self.longest_silence())
        };
        if let Some((refused_for, problem)) = lasting(&self.failures.refused_heartbeat) {
            problems.push(Unhealthy::HeartbeatRefused { refused_for, problem });
        }
        if let Some((failing_for, problem)) = lasting(&self.failures.fetch) {
            problems.push(Unhealthy::FetchFailing { failing_for, problem });
        }
        let unwritten = self.completions.unwritten();
        if unwritten.stops_starts() {
            problems.push(Unhealthy::EndsUnwritten { runs: unwritten.runs() });
        }
        problems
    }
}

impl Worker {
    /// Two heartbeat intervals, and one second for a busy machine.
    fn longest_silence(&self) -> Duration {
        2 * self.client.config().heartbeat_interval + Duration::from_secs(1)
    }
}
