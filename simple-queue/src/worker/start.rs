//! Starts all roles of a process.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
};

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "cron")]
use super::schedules::{Clock, ClockSignals};
use super::{
    Starting, Worker, WorkerHandle,
    fetch::{poller::Poller, sweep::Sweeper, unhandled_kinds::UnhandledKinds},
    heartbeat::{self, Heartbeat},
    limits::Lender,
    listener,
    run::running::Running,
};
#[cfg(feature = "janitor")]
use crate::upkeep::janitor::Janitor;
use crate::{
    database::Dedicated,
    finalize::{ClosedRun, Finalizer, RunObserver},
    queue::SimpleQueue,
    stats::Tally,
    telemetry,
    upkeep::{
        reaper::Reaper,
        role::{Role, repeat},
        stats::Stats,
    },
};

/// Starts a worker on a queue, with the janitor if the feature is on. The returned value completes when the worker is
/// registered and looks for jobs.
///
/// If the database cannot be reached yet, it completes once it can be.
pub fn start(queue: impl AsRef<SimpleQueue>) -> Starting {
    starting(queue.as_ref(), started)
}

/// As [`start`]; also keeps the history bounded.
#[cfg(feature = "janitor")]
pub fn start_with_janitor(queue: impl AsRef<SimpleQueue>) -> Starting {
    starting(queue.as_ref(), started_with_janitor)
}

/// As [`start`], but leaves the history to other processes.
pub fn start_without_janitor(queue: impl AsRef<SimpleQueue>) -> Starting {
    starting(queue.as_ref(), started_without_janitor)
}

fn starting<F>(queue: &SimpleQueue, started: impl FnOnce(SimpleQueue) -> F) -> Starting
where
    F: Future<Output = WorkerHandle> + Send + 'static,
{
    // Recorded at the call, and not only when the task begins.
    queue.own_workers().note_start();
    Starting::new(started(queue.clone()))
}

/// As [`start`], in the caller's task: dropping the future ends the start.
pub(crate) async fn started(queue: SimpleQueue) -> WorkerHandle {
    #[cfg(feature = "janitor")]
    return started_with_janitor(queue).await;
    #[cfg(not(feature = "janitor"))]
    started_without_janitor(queue).await
}

#[cfg(feature = "janitor")]
async fn started_with_janitor(queue: SimpleQueue) -> WorkerHandle {
    let mut handle = started_without_janitor(queue).await;
    let worker = &handle.worker;
    let config = worker.client.config();
    let (store, servers) = (worker.store.clone(), worker.client.servers());
    let janitor = Janitor::new(store, servers, config.retention, config.janitor_interval);
    handle.keepers.push(keep(worker, &worker.stopped, janitor));
    handle
}

async fn started_without_janitor(queue: SimpleQueue) -> WorkerHandle {
    queue.own_workers().note_start();
    let servers = queue.servers().clone();
    let store = queue.store().clone();
    let config = queue.config();
    let running = Arc::new(Running::default());
    let tally = config.stats.then(Arc::<Tally>::default);
    #[cfg(feature = "cron")]
    let clock = Arc::<ClockSignals>::default();
    let (finalizer, completions) = {
        let listener = ClosedRuns {
            running: Arc::clone(&running),
            client: queue.clone(),
            tally: tally.clone(),
            #[cfg(feature = "cron")]
            clock: Arc::clone(&clock),
        };
        Finalizer::new(store.clone(), &servers, config.retention.keeps_completed(), listener)
    };
    let worker = Worker::new(queue, running, completions, tally.clone());
    #[cfg(feature = "cron")]
    let worker = Worker { clock, ..worker };
    let worker = Arc::new(worker);
    worker.client.own_workers().add(&worker);

    let (sightings, seen) = tokio::sync::mpsc::unbounded_channel();
    let heartbeat = Heartbeat::new(Arc::clone(&worker), Dedicated::new(&servers), sightings);
    let heartbeat = heartbeat::start(&worker, heartbeat).await;
    let reaper =
        Reaper::new(store, &servers, config.max_crash_count, config.heartbeat_interval, seen);
    let poller = Poller::new(Arc::clone(&worker), &servers);
    let mut keepers = vec![
        heartbeat,
        spawn_role(&worker, "listener", listener::run(Arc::clone(&worker))),
        keep(&worker, &worker.stopping, Sweeper::new(Arc::clone(&worker), &servers)),
        keep(&worker, &worker.stopping, UnhandledKinds::new(Arc::clone(&worker), &servers)),
        keep(&worker, &worker.stopped, Lender::new(Arc::clone(&worker), &servers)),
        keep(&worker, &worker.stopped, reaper),
        #[cfg(feature = "cron")]
        keep(&worker, &worker.stopping, Clock::new(Arc::clone(&worker), &servers)),
    ];
    if let Some(tally) = tally {
        let stats = Stats::new(worker.store.clone(), &servers, tally);
        keepers.push(keep(&worker, &worker.stopped, stats));
    }
    worker.client.flush_spool_in_background();
    let queues = worker.client.queue_names();
    if queues.is_empty() {
        telemetry::worker::no_handler_registered();
    }
    worker.is_ready.store(true, Ordering::Release);
    telemetry::worker::started(worker.id(), &queues);
    WorkerHandle {
        poller: spawn_role(&worker, "poller", poller.run()),
        finalizer: spawn_role(&worker, "finalizer", finalizer.run()),
        keepers,
        worker,
    }
}

/// What the rest of the process does when outcomes have been written.
struct ClosedRuns {
    running: Arc<Running>,
    client: SimpleQueue,
    tally: Option<Arc<Tally>>,
    #[cfg(feature = "cron")]
    clock: Arc<ClockSignals>,
}

impl RunObserver for ClosedRuns {
    fn closed(&self, runs: &[ClosedRun]) {
        self.running.remove(runs.iter().map(|run| run.lease));
        if let Some(tally) = &self.tally {
            tally.add(runs.iter().filter_map(|run| run.counted));
        }
        if runs.iter().any(|run| !run.job_ended) {
            // The job may be due again before the poller's next planned fetch.
            self.client.wake().wake_local();
        }
        #[cfg(feature = "cron")]
        if runs.iter().any(|run| run.job_ended) {
            self.clock.job_ended();
        }
        self.client.closed(runs);
    }

    fn has_room(&self) {
        self.client.wake().wake_local();
    }
}

/// Repeats a role until this token is cancelled.
fn keep<R: Role>(worker: &Arc<Worker>, until: &CancellationToken, role: R) -> JoinHandle<()> {
    spawn_role(worker, R::NAME, Box::pin(repeat(role, until.clone())))
}

/// Runs a role in a task of its own. A panic in it ends the worker: without any one of its roles a worker would hold
/// jobs that it cannot run or cannot finish. Without its heartbeat, other processes return them.
fn spawn_role(
    worker: &Arc<Worker>,
    role: &'static str,
    running: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let worker = Arc::clone(worker);
    tokio::spawn(async move {
        if let Err(panic) = AssertUnwindSafe(running).catch_unwind().await {
            worker.role_panicked(role, &*panic);
        }
    })
}
