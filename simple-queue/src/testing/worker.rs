//! A worker that a test has to stop.

use std::{fmt, time::Duration};

use crate::{telemetry, worker::WorkerHandle};

/// A worker that [`TestQueue::start`](super::TestQueue::start) has started.
///
/// Stop it before the test ends. If it is dropped, it ends when it can, and says so on standard
/// error: while it works, `#[sqlx::test]` cannot drop the database of the test.
#[must_use = "the worker has to be stopped: `worker.stop().await`"]
pub struct TestWorker(Option<WorkerHandle>);

/// 5 s, for which running jobs may go on.
const DEADLINE: Duration = Duration::from_secs(5);

impl TestWorker {
    pub(super) const fn new(handle: WorkerHandle) -> Self {
        Self(Some(handle))
    }

    /// Stops it. Running jobs get five seconds.
    pub async fn stop(mut self) {
        if let Some(handle) = self.0.take() {
            handle.shutdown(DEADLINE).await;
        }
    }
}

impl Drop for TestWorker {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.abandon();
            telemetry::worker::test_did_not_stop_it();
        }
    }
}

impl fmt::Debug for TestWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestWorker").finish_non_exhaustive()
    }
}
