//! Starting all roles of a process, and stopping them without losing or burning anything.

use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;

use super::{
    SimpleQueue, Worker, heartbeat::Heartbeat, listener, poller::Poller, running::Running,
};
use crate::{finalize::Finalizer, store::Dedicated, upkeep::reaper::Reaper};

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
    worker: Arc<Worker>,
    /// Ends with the runs of jobs, some time after no more are fetched.
    poller: JoinHandle<()>,
    /// Ends when all that is over has been written.
    finalizer: JoinHandle<()>,
    /// End at the very last.
    keepers: Vec<JoinHandle<()>>,
}

/// How long a stop waits for runs that were told to let go, and for the last writes.
const LAST_WRITES: Duration = Duration::from_secs(5);

impl WorkerHandle {
    /// Stops fetching, waits for what runs, at most until the deadline, and gives back the rest with
    /// its attempts.
    ///
    /// Whatever could not be written, because the database is away, is returned by other workers once
    /// this one's heartbeat has been missing long enough.
    ///
    /// # Cancel safety
    /// A call that is dropped leaves the worker stopping: nothing new is fetched.
    pub async fn shutdown(self, deadline: Duration) {
        let worker = self.worker;
        tracing::info!(
            jobs = worker.running.len(),
            ?deadline,
            "stopping: no more jobs are fetched"
        );
        worker.stopping.cancel();
        worker.queue.wake().wake_local();
        joined("poller", self.poller).await;
        worker.tasks.close();
        if tokio::time::timeout(deadline, worker.tasks.wait()).await.is_err() {
            tracing::warn!(
                jobs = worker.running.len(),
                "the deadline is over; what still runs is given back"
            );
            worker.running.abandon_all();
            if tokio::time::timeout(LAST_WRITES, worker.tasks.wait()).await.is_err() {
                tracing::error!(
                    "jobs that block their thread could not be stopped; others will return them"
                );
            }
        }
        worker.finished.write().unwrap_or_else(PoisonError::into_inner).take();
        if tokio::time::timeout(LAST_WRITES, self.finalizer).await.is_err() {
            tracing::error!(
                jobs = worker.running.len(),
                "the end of some jobs could not be written; others will return them"
            );
        }
        worker.stopped.cancel();
        for keeper in self.keepers {
            joined("role", keeper).await;
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

/// Starts working on a queue, with the janitor if the feature is on; returns when it is registered and
/// looks for jobs.
///
/// If the database cannot be reached yet, that is when it can.
pub async fn start(queue: impl AsRef<SimpleQueue>) -> WorkerHandle {
    #[cfg(feature = "janitor")]
    return start_with_janitor(queue).await;
    #[cfg(not(feature = "janitor"))]
    start_without_janitor(queue).await
}

/// As [`start`]; keeps the history bounded as well.
#[cfg(feature = "janitor")]
pub async fn start_with_janitor(queue: impl AsRef<SimpleQueue>) -> WorkerHandle {
    let queue = queue.as_ref();
    let mut handle = start_without_janitor(queue).await;
    handle.keepers.push(tokio::spawn(run_janitor(Arc::clone(&handle.worker))));
    handle
}

/// As [`start`], and leaves the history to other processes.
pub async fn start_without_janitor(queue: impl AsRef<SimpleQueue>) -> WorkerHandle {
    let queue = queue.as_ref().clone();
    let options = queue.connect_options();
    let (store, config) = (queue.store().clone(), queue.config());
    let running = Arc::new(Running::default());
    let (finalizer, finished) = {
        let (running, queue) = (Arc::clone(&running), queue.clone());
        Finalizer::new(store.clone(), &options, move |settled| {
            running.remove(settled.lease);
            if settled.ended.is_none() {
                // It may be due again sooner than the poller means to look.
                queue.wake().wake_local();
            }
            #[cfg(feature = "wait-for-job")]
            queue.settled(settled);
        })
    };
    let worker = Arc::new(Worker::new(queue, running, finished));

    let (sightings, seen) = tokio::sync::mpsc::unbounded_channel();
    let mut heartbeat = Heartbeat::new(Arc::clone(&worker), Dedicated::new(&options), sightings);
    heartbeat.register().await;
    let reaper = Reaper::new(store, &options, config.max_crash_count);
    let keepers = vec![
        tokio::spawn(heartbeat.run()),
        tokio::spawn(reaper.run(seen)),
        tokio::spawn(listener::run(Arc::clone(&worker), options.clone())),
    ];
    let poller = Poller::new(Arc::clone(&worker), Dedicated::new(&options));
    tracing::info!(worker.id = %worker.id(), queues = ?worker.queue.served(), "working");
    WorkerHandle {
        poller: tokio::spawn(poller.run()),
        finalizer: tokio::spawn(finalizer.run()),
        keepers,
        worker,
    }
}

/// A role ends when it is told to; one that panicked says so here.
async fn joined(role: &str, handle: JoinHandle<()>) {
    if let Err(error) = handle.await {
        tracing::error!(%error, role, "a role of the worker ended by itself");
    }
}

#[cfg(feature = "janitor")]
async fn run_janitor(worker: Arc<Worker>) {
    let config = worker.queue.config();
    let options = worker.queue.connect_options();
    let mut janitor =
        crate::upkeep::janitor::Janitor::new(worker.store.clone(), &options, config.retention);
    let stopped = worker.stopped.clone();
    let passes = async {
        loop {
            if let Err(error) = janitor.run_once().await {
                tracing::warn!(%error, "the history could not be tidied; trying again");
            }
            // Many processes do this, so not all of them in the same moment.
            tokio::time::sleep(config.janitor_interval.mul_f64(0.8 + 0.4 * fastrand::f64())).await;
        }
    };
    stopped.run_until_cancelled(passes).await;
}
