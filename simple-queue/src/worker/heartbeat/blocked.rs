//! Detects a runtime whose threads are all blocked by handlers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use crate::telemetry;

/// Spawns a probe on the runtime that handlers run on, at each heartbeat, and checks whether it ran.
#[derive(Debug)]
pub(super) struct BlockedRuntime {
    runtime: Handle,
    answered: Arc<AtomicBool>,
    asked_at: Option<Instant>,
    warned_at: Option<Instant>,
}

/// 5 s without progress of any task, after which the threads count as blocked by handlers.
const PATIENCE: Duration = Duration::from_secs(5);

/// 1 minute between two warnings.
const WARN_AGAIN: Duration = Duration::from_mins(1);

impl BlockedRuntime {
    /// Watches the runtime that this is called on.
    pub(super) fn here() -> Self {
        let answered = Arc::new(AtomicBool::new(true));
        Self { runtime: Handle::current(), answered, asked_at: None, warned_at: None }
    }

    /// Checks once, given the number of running jobs. Warns if no task made progress for too long.
    pub(super) fn check(&mut self, running: usize) {
        if self.answered.swap(false, Ordering::AcqRel) {
            self.asked_at = None;
            if running == 0 {
                self.answered.store(true, Ordering::Release);
                return;
            }
        }
        if let Some(asked_at) = self.asked_at {
            let blocked_for = asked_at.elapsed();
            let is_news = self.warned_at.is_none_or(|at| at.elapsed() > WARN_AGAIN);
            if blocked_for > PATIENCE && is_news {
                self.warned_at = Some(Instant::now());
                telemetry::heartbeat::runtime_blocked(blocked_for, running);
            }
            return;
        }
        self.asked_at = Some(Instant::now());
        let answered = Arc::clone(&self.answered);
        self.runtime.spawn(async move { answered.store(true, Ordering::Release) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_runtime_that_answers_is_asked_again_and_one_that_does_not_only_once() {
        let mut blocked = BlockedRuntime::here();
        blocked.check(1);
        assert!(blocked.asked_at.is_some());
        blocked.check(1);
        let first = blocked.asked_at;
        assert!(first.is_some(), "this test holds the only thread, so there is no answer yet");
        tokio::task::yield_now().await;
        blocked.check(0);
        assert_eq!(blocked.asked_at, None, "it answered, and nothing runs");
    }
}
