//! One process at work: the stages between a row and its outcome, each a role of its own.
//!
//! [`fetch`] claims jobs under the permits of [`crate::admission`], [`run`] runs their handlers, [`heartbeat`] reports
//! that the process lives. Outcomes go to [`crate::finalize`].

#[cfg(feature = "testing")]
mod alone;
mod failures;
mod fetch;
mod handle;
mod heartbeat;
mod limits;
mod listener;
mod pauses;
mod run;
#[cfg(feature = "cron")]
mod schedules;
mod signal;
mod start;
mod starting;

#[cfg(feature = "testing")]
pub(crate) use alone::run_alone;
pub use handle::WorkerHandle;
pub use signal::shutdown_signal;
#[cfg(feature = "janitor")]
pub use start::start_with_janitor;
pub(crate) use start::started;
pub use start::{start, start_without_janitor};
pub use starting::Starting;

use std::{
    any::Any,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    Error,
    admission::{Permits, RunPermit},
    database::Dedicated,
    finalize::{CompletionBuffer, FinishedRun},
    queue::{SimpleQueue, config::Config, registry::Registered},
    stats::Tally,
    store::{FetchedJob, Store},
    telemetry,
};
use failures::RoleFailures;
use fetch::{
    prefetch::{Next, Prefetched, PrefetchedJob},
    sweeps::Sweeps,
};
use pauses::Pauses;
use run::{
    executor::{Execution, panicked},
    payload,
    running::Running,
    suspect::Suspects,
};
#[cfg(feature = "cron")]
use schedules::ClockSignals;

/// 2,500 bytes, upper bound of the future of a run, which is copied for every job. With 8 kB a drain was slower by a
/// quarter. What is rare in a run, such as an exchange with the database, is boxed.
const LARGEST_RUN: usize = 2500;

/// A claimed job with everything that its start needs.
struct Start {
    handler: Arc<Registered>,
    fetched: Box<FetchedJob>,
    permit: RunPermit,
}

/// What the roles of one process share.
pub(crate) struct Worker {
    client: SimpleQueue,
    store: Store,
    /// New at every start, and again after the process was declared dead.
    id: RwLock<Uuid>,
    permits: Permits,
    prefetched: Prefetched,
    running: Arc<Running>,
    suspects: Suspects,
    /// The floors from which fetches read, and the jobs that sweeps found below them.
    sweeps: Sweeps,
    pauses: Pauses,
    /// Long payloads are read one at a time, so that several of them do not fill the memory.
    long_payloads: tokio::sync::Mutex<()>,
    /// The tasks of running jobs, so that a stop can wait for them.
    tasks: TaskTracker,
    /// Takes finished runs, to be written.
    completions: Arc<CompletionBuffer>,
    /// Counts the runs; `None`: nothing is counted.
    tally: Option<Arc<Tally>>,
    /// Jobs were left unclaimed for lack of permits: a permit that becomes free wakes the poller.
    wants_permit: AtomicBool,
    /// The poller is waiting, so a wake-up leads to a fetch at once.
    poller_idle: AtomicBool,
    /// LISTEN is active, so the poller may sleep for long.
    listening: AtomicBool,
    /// No heartbeat reached the database for so long that nothing may be claimed.
    heartbeat_lost: AtomicBool,
    /// When the last committed heartbeat began; `None` before the process's row is written.
    beaten_at: Mutex<Option<Instant>>,
    /// Asks for a heartbeat at once, because its answer may hold news.
    beat_soon: Notify,
    /// A kind was paused or resumed, as the next heartbeat reads.
    pauses_changed: AtomicBool,
    #[cfg(feature = "cron")]
    clock: Arc<ClockSignals>,
    /// The process's row was found to be gone. The next heartbeat is sent at once to confirm it.
    has_no_row: AtomicBool,
    /// Suspects are waiting, perhaps ones that this process can run.
    suspects_wait: AtomicBool,
    /// The table holds jobs under this process's id that it does not know of.
    has_unknown: AtomicBool,
    /// A claim whose response was lost may have taken jobs that this process does not know of.
    may_have_lost_claims: AtomicBool,
    /// Cancelled when a stop begins: nothing more is fetched.
    stopping: CancellationToken,
    /// Cancelled when everything is written: the last roles end.
    stopped: CancellationToken,
    /// The worker has written its row and looks for jobs.
    is_ready: AtomicBool,
    started_at: Instant,
    failures: RoleFailures,
    /// The role that panicked, and its panic message.
    ended: OnceLock<(&'static str, String)>,
}

impl Worker {
    fn new(
        client: SimpleQueue,
        running: Arc<Running>,
        completions: Arc<CompletionBuffer>,
        tally: Option<Arc<Tally>>,
    ) -> Self {
        let store = client.store().clone();
        let connection = Dedicated::new(client.servers());
        Self {
            permits: Permits::new(&client.config()),
            prefetched: Prefetched::default(),
            suspects: Suspects::new(store.clone(), connection),
            sweeps: Sweeps::new(),
            pauses: Pauses::default(),
            long_payloads: tokio::sync::Mutex::default(),
            client,
            store,
            id: RwLock::new(Uuid::now_v7()),
            running,
            tasks: TaskTracker::new(),
            completions,
            tally,
            wants_permit: AtomicBool::new(true),
            poller_idle: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            heartbeat_lost: AtomicBool::new(false),
            beaten_at: Mutex::new(None),
            beat_soon: Notify::new(),
            pauses_changed: AtomicBool::new(false),
            #[cfg(feature = "cron")]
            clock: Arc::default(),
            has_no_row: AtomicBool::new(false),
            suspects_wait: AtomicBool::new(false),
            has_unknown: AtomicBool::new(false),
            may_have_lost_claims: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            is_ready: AtomicBool::new(false),
            started_at: Instant::now(),
            failures: RoleFailures::default(),
            ended: OnceLock::new(),
        }
    }

    fn id(&self) -> Uuid {
        *self.id.read()
    }

    fn beaten_at(&self) -> Option<Instant> {
        *self.beaten_at.lock()
    }

    fn take_new_id(&self) {
        *self.id.write() = Uuid::now_v7();
    }

    /// Runs a job in a task of its own. The task goes on with prefetched jobs as long as there are permits for them.
    fn spawn(self: &Arc<Self>, mut start: Start) {
        let worker = Arc::clone(self);
        // Counted here and not when the task first runs, because how many jobs may start is asked again before that.
        self.completions.unwritten().started();
        let run = async move {
            let mut config = worker.client.config();
            loop {
                let Start { handler, mut fetched, permit } = start;
                // The settings may have changed during the run.
                let next = match payload::load(&worker, &mut fetched).await {
                    Ok(()) => {
                        let began_with = config;
                        let start_by = permit.start_by;
                        let execution =
                            Execution::new(&worker, &handler, &began_with, fetched, start_by);
                        execution.run().await;
                        // A chain of short jobs must not keep the thread from other tasks.
                        tokio::task::consume_budget().await;
                        config = worker.client.config();
                        worker.after(execution.queue(), &handler, permit, &config)
                    }
                    Err(run) => {
                        worker.buffer_outcome(run);
                        config = worker.client.config();
                        worker.after(&fetched.job.queue, &handler, permit, &config)
                    }
                };
                match next {
                    Some(next) => {
                        worker.completions.unwritten().started();
                        start = next;
                    }
                    None => break,
                }
            }
        };
        debug_assert!(size_of_val(&run) <= LARGEST_RUN, "a run has {} bytes", size_of_val(&run));
        self.tasks.spawn(run);
    }

    /// Called when a job of this queue and handler has ended. Returns the next prefetched job, under the same permit if
    /// it fits.
    fn after(
        &self,
        queue: &str,
        handler: &Arc<Registered>,
        permit: RunPermit,
        config: &Config,
    ) -> Option<Start> {
        let mut free = Some(permit).filter(|_| self.permits.are_reusable());
        let next = self.next_prefetched(Some(queue), config, |next_queue, next_handler| {
            let permit = free.take()?;
            (next_queue == queue && Arc::ptr_eq(next_handler, handler)).then_some(permit)
        });
        // Freed before the poller counts the permits.
        drop(free);
        let may_fetch = next.as_ref().is_none_or(|(_, runs_low)| *runs_low);
        // Read before the poller is woken, so that the poller's next fetch takes the outcome that was buffered above.
        let poller_idle = self.poller_idle.load(Ordering::Acquire);
        // The next visit writes the outcome of a job with a key, and lets the next job of the key take over its place.
        let is_visited = handler.is_visited();
        let fetches = is_visited || may_fetch && self.wants_permit.swap(false, Ordering::AcqRel);
        if fetches {
            self.client.wake().wake_local();
        }
        // An immediate fetch writes this outcome together with its claim.
        if !(fetches && poller_idle) {
            self.completions.announce();
        }
        next.map(|(start, _)| start)
    }

    /// Returns the next prefetched job for which there is a permit, the one at hand or a free one, and whether few
    /// prefetched jobs are left after it.
    fn next_prefetched(
        &self,
        ended: Option<&str>,
        config: &Config,
        mut at_hand: impl FnMut(&str, &Arc<Registered>) -> Option<RunPermit>,
    ) -> Option<(Start, bool)> {
        if self.stopping.is_cancelled() || self.completions.unwritten().stops_starts() {
            return None;
        }
        let Next { job, runs_low } = self.prefetched.next(ended, |queue, handler| {
            at_hand(queue, handler).or_else(|| self.permits.take(queue, handler, config))
        });
        let (PrefetchedJob { handler, fetched, .. }, permit) = job?;
        Some((Start { handler, fetched, permit }, runs_low))
    }

    /// Gives back prefetched jobs that have waited for this long, with their attempts.
    fn give_back_overdue(&self, patience: Duration) {
        for waiting in self.prefetched.overdue(patience) {
            self.finish(FinishedRun::given_back(waiting.fetched.claim.lease));
        }
    }

    /// Hands a finished run to the finalizer.
    fn finish(&self, run: FinishedRun) {
        self.buffer_outcome(run);
        self.completions.announce();
    }

    /// Buffers a finished run for the next write.
    fn buffer_outcome(&self, run: FinishedRun) {
        let job_id = run.lease.job_id;
        if !self.completions.push(run) {
            telemetry::worker::outcome_after_the_stop(job_id);
        }
    }

    /// Ends the worker because a role panicked. Without any one of its roles a worker would hold jobs that it cannot
    /// run or cannot finish.
    fn role_panicked(&self, role: &'static str, panic: &(dyn Any + Send)) {
        let problem = panicked(panic);
        telemetry::worker::role_panicked(role, &problem);
        self.role_ended(role, problem);
    }

    fn role_ended(&self, role: &'static str, problem: String) {
        // The first end is reported.
        self.ended.get_or_init(|| (role, problem));
        // With its roles the worker may be gone, where its handle was dropped.
        self.client.own_workers().note_end(self.why_ended().to_string());
        self.give_up();
    }

    fn why_ended(&self) -> Error {
        let (role, problem) = self.ended.get().cloned().unwrap_or_default();
        Error::WorkerEnded { role, problem }
    }

    /// Ends without a graceful stop: nothing more is claimed, running jobs are abandoned, and the heartbeat ends. The
    /// process's row stays, so that other processes return its jobs.
    fn give_up(&self) {
        self.may_have_lost_claims.store(true, Ordering::Release);
        self.stopping.cancel();
        self.running.abandon_all();
        self.stopped.cancel();
    }

    /// Returns whether no job can be left under this process's id.
    fn holds_nothing(&self) -> bool {
        self.running.is_empty() && !self.may_have_lost_claims.load(Ordering::Acquire)
    }
}
