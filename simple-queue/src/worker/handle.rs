//! Stopping all roles of a process without losing or burning anything.

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
use crate::Error;

/// A worker at work. Dropping the handle stops nothing.
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
    /// Ends when all that is over has been written.
    pub(super) finalizer: JoinHandle<()>,
    /// End at the very last.
    pub(super) keepers: Vec<JoinHandle<()>>,
}

/// How long a stop waits for runs that were told to let go, and for the last writes.
const LAST_WRITES: Duration = Duration::from_secs(5);

impl WorkerHandle {
    /// Waits until the worker has ended by itself, which it does only when one of its roles panics: that is a fault of
    /// the library's, and its jobs are returned by other workers. After a [`WorkerHandle::shutdown`] there is no
    /// handle left to ask.
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

    /// Stops fetching, waits for what runs, at most until the deadline, and gives back the rest with
    /// its attempts.
    ///
    /// Whatever could not be written, because the database is away, is returned by other workers once
    /// this one's heartbeat has been missing long enough.
    ///
    /// # Cancel safety
    /// A call that is dropped leaves the worker stopping: nothing new is fetched.
    pub async fn shutdown(self, deadline: Duration) {
        let Self { worker, mut poller, finalizer, keepers } = self;
        // A deadline may be as far away as a `Duration` can say, and so beyond what a clock can.
        let began = Instant::now();
        let left = || deadline.saturating_sub(began.elapsed());
        tracing::info!(
            jobs = worker.running.len(),
            ?deadline,
            "stopping: no more jobs are fetched"
        );
        worker.stopping.cancel();
        let polling = timeout(left(), &mut poller).await.is_err();
        worker.give_back_overdue(Duration::ZERO);
        worker.tasks.close();
        if timeout(left(), worker.tasks.wait()).await.is_err() {
            tracing::warn!(
                jobs = worker.running.len(),
                "the deadline is over; what still runs is given back"
            );
            worker.running.abandon_all();
            if timeout(LAST_WRITES, worker.tasks.wait()).await.is_err() {
                tracing::error!(
                    "jobs that block their thread could not be stopped; others will return them"
                );
            }
        }
        if polling && timeout(LAST_WRITES, &mut poller).await.is_err() {
            // It waits for the database. What its claim takes is returned with this process's row.
            poller.abort();
            worker.may_have_lost_claims.store(true, Ordering::Release);
        }
        worker.completions.close();
        if timeout(LAST_WRITES, finalizer).await.is_err() {
            tracing::error!(
                jobs = worker.running.len(),
                "the end of some jobs could not be written; others will return them"
            );
        }
        worker.stopped.cancel();
        for keeper in keepers {
            if let Err(error) = keeper.await {
                tracing::error!(%error, "a role of the worker was cut off");
            }
        }
        tracing::info!("stopped");
    }
}

impl fmt::Debug for WorkerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle")
            .field("jobs", &self.worker.running.len())
            .finish_non_exhaustive()
    }
}
