//! Stops all roles of a process without losing a job or using up an attempt.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::Worker;
use crate::{Error, telemetry};

/// A running worker. Dropping the handle stops nothing.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(queue: simple_queue::SimpleQueue) {
/// let worker = queue.start().await;
/// // …
/// worker.shutdown(Duration::from_secs(30)).await;
/// # }
/// ```
pub struct WorkerHandle {
    pub(super) worker: Arc<Worker>,
    /// Ends when nothing more is to be fetched.
    pub(super) poller: JoinHandle<()>,
    /// Ends when every outcome has been written.
    pub(super) finalizer: JoinHandle<()>,
    /// The remaining roles, which end last.
    pub(super) keepers: Vec<JoinHandle<()>>,
}

/// 5 s, for which a stop waits for abandoned runs to end, and for the last writes.
const LAST_WRITES: Duration = Duration::from_secs(5);

impl WorkerHandle {
    /// Waits until the worker has ended by itself. It does so only when one of its roles panics, which is a fault of
    /// the library; other workers return its jobs. After a [`WorkerHandle::shutdown`] there is no handle left to ask.
    ///
    /// # Cancel safety
    /// Cancel safe.
    ///
    /// ```no_run
    /// # async fn example(queue: simple_queue::SimpleQueue) {
    /// let worker = queue.start().await;
    /// let error = worker.stopped().await;
    /// eprintln!("{error}");
    /// # }
    /// ```
    pub async fn stopped(&self) -> Error {
        self.worker.stopped.cancelled().await;
        self.worker.why_ended()
    }

    /// Stops fetching, waits for running jobs until the deadline at most, and gives back the others with their
    /// attempts.
    ///
    /// Outcomes that cannot be written because the database is away are lost with this process: other workers return
    /// those jobs once its heartbeat has been missing for long enough.
    ///
    /// # Cancel safety
    /// A call that is dropped leaves the worker stopping: nothing new is fetched.
    pub async fn shutdown(self, deadline: Duration) {
        let Self { worker, mut poller, finalizer, keepers } = self;
        // The deadline may be any `Duration`, and so lie beyond what a clock can hold.
        let began = Instant::now();
        let left = || deadline.saturating_sub(began.elapsed());
        telemetry::worker::stopping(worker.running.len(), deadline);
        worker.stopping.cancel();
        let polling = timeout(left(), &mut poller).await.is_err();
        worker.give_back_overdue(Duration::ZERO);
        worker.tasks.close();
        if timeout(left(), worker.tasks.wait()).await.is_err() {
            telemetry::worker::shutdown_deadline_passed(worker.running.len());
            worker.running.abandon_all();
            if timeout(LAST_WRITES, worker.tasks.wait()).await.is_err() {
                telemetry::worker::handlers_not_stopped();
            }
        }
        if polling && timeout(LAST_WRITES, &mut poller).await.is_err() {
            // The poller is waiting for the database. Whatever its claim takes is returned with this process's row.
            poller.abort();
            worker.may_have_lost_claims.store(true, Ordering::Release);
        }
        worker.completions.close();
        if timeout(LAST_WRITES, finalizer).await.is_err() {
            telemetry::worker::outcomes_not_written(worker.running.len());
        }
        worker.stopped.cancel();
        for keeper in keepers {
            if let Err(error) = keeper.await {
                telemetry::worker::role_cut_off(&error);
            }
        }
        telemetry::worker::stopped();
    }
}

#[cfg(feature = "testing")]
impl WorkerHandle {
    /// Ends the worker without waiting: its roles end when they are polled again.
    pub(crate) fn abandon(&self) {
        self.worker.give_up();
        // Otherwise the finalizer waits for more.
        self.worker.completions.close();
    }
}

impl fmt::Debug for WorkerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle")
            .field("jobs", &self.worker.running.len())
            .finish_non_exhaustive()
    }
}
