//! One process at work: the stages between a row and its outcome, each a role of its own.
//!
//! [`fetch`] claims under the permits of [`crate::admission`], [`run`] runs handlers, [`heartbeat`] vouches for them;
//! what they come to goes to [`crate::finalize`].

mod failures;
mod fetch;
mod handle;
mod heartbeat;
mod listener;
mod run;
mod signal;
mod start;
mod starting;

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
    store::{FetchedJob, Store},
};
use failures::RoleFailures;
use fetch::{
    prefetch::{Next, Prefetched, PrefetchedJob},
    sweeps::Sweeps,
};
use run::{
    executor::{Execution, panicked},
    payload,
    running::Running,
    suspect::Suspects,
};

/// A claimed job with all that it needs to start.
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
    /// From where on fetches read, and what sweeps found before.
    sweeps: Sweeps,
    /// Long payloads are read one at a time, so that a few of them do not fill the memory.
    long_payloads: tokio::sync::Mutex<()>,
    /// The runs of jobs, so that a stop can wait for them.
    tasks: TaskTracker,
    /// Where runs that are over go.
    completions: Arc<CompletionBuffer>,
    /// Something was left for which there were no permits: the poller is to hear of one that becomes free.
    wants_permit: AtomicBool,
    /// The poller waits to be woken, so that its next fetch comes at once.
    poller_idle: AtomicBool,
    /// Notifications are heard, so sleep may be long.
    listening: AtomicBool,
    /// No heartbeat reached the database for so long that nothing may be claimed.
    heartbeat_lost: AtomicBool,
    /// When the last heartbeat began that was committed.
    beaten_at: Mutex<Instant>,
    /// A heartbeat is to come at once: there may be something to hear.
    beat_soon: Notify,
    /// The process's row was found to be gone, of which the heartbeat is to hear at once.
    has_no_row: AtomicBool,
    /// Jobs that have killed processes wait, perhaps ones that this process may run.
    suspects_wait: AtomicBool,
    /// There are jobs in this process's name of which it does not know.
    has_unknown: AtomicBool,
    /// A claim without an answer may have taken jobs that nobody here knows of.
    may_have_lost_claims: AtomicBool,
    /// Nothing new is fetched from here on.
    stopping: CancellationToken,
    /// Everything is written; the last roles end.
    stopped: CancellationToken,
    /// Made its row and looks for jobs.
    is_ready: AtomicBool,
    started_at: Instant,
    failures: RoleFailures,
    /// Which role panicked, and with what words.
    ended: OnceLock<(&'static str, String)>,
}

impl Worker {
    fn new(client: SimpleQueue, running: Arc<Running>, completions: Arc<CompletionBuffer>) -> Self {
        let store = client.store().clone();
        let connection = Dedicated::new(client.servers());
        Self {
            permits: Permits::new(&client.config()),
            prefetched: Prefetched::default(),
            suspects: Suspects::new(store.clone(), connection),
            sweeps: Sweeps::new(),
            long_payloads: tokio::sync::Mutex::default(),
            client,
            store,
            id: RwLock::new(Uuid::now_v7()),
            running,
            tasks: TaskTracker::new(),
            completions,
            wants_permit: AtomicBool::new(true),
            poller_idle: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            heartbeat_lost: AtomicBool::new(false),
            beaten_at: Mutex::new(Instant::now()),
            beat_soon: Notify::new(),
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

    fn beaten_at(&self) -> Instant {
        *self.beaten_at.lock()
    }

    fn take_new_id(&self) {
        *self.id.write() = Uuid::now_v7();
    }

    /// Runs a job in a task of its own, and then those that were fetched ahead, as long as there are
    /// permits for them.
    fn spawn(self: &Arc<Self>, mut start: Start) {
        let worker = Arc::clone(self);
        // At once, and not when the task runs: how many may be started is asked again before that.
        self.completions.unwritten().started();
        self.tasks.spawn(async move {
            let mut config = worker.client.config();
            loop {
                let Start { handler, mut fetched, permit } = start;
                // The settings may have changed during the run.
                let next = match payload::load(&worker, &mut fetched).await {
                    Ok(()) => {
                        let began_with = config;
                        let execution = Execution::new(&worker, &handler, &began_with, fetched);
                        execution.run().await;
                        // A run of many short jobs must not keep the thread from others.
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
        });
    }

    /// A job of this queue and handler has ended: the next one that was fetched ahead, under the same permit
    /// if it fits.
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
        // Before the poller looks how many there are.
        drop(free);
        let may_fetch = next.as_ref().is_none_or(|(_, runs_low)| *runs_low);
        // Seen before the poller is woken: whatever it does then comes after what was put in the completion buffer.
        let poller_idle = self.poller_idle.load(Ordering::Acquire);
        let fetches = may_fetch && self.wants_permit.swap(false, Ordering::AcqRel);
        if fetches {
            self.client.wake().wake_local();
        }
        // A fetch that comes at once finishes this run along with its claim.
        if !(fetches && poller_idle) {
            self.completions.announce();
        }
        next.map(|(start, _)| start)
    }

    /// The next job that was fetched ahead and has a permit now: the one at hand, or one that is free. And
    /// whether few are left after it.
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

    /// Gives back what was fetched ahead and has waited for so long, with its attempt.
    fn give_back_overdue(&self, patience: Duration) {
        for waiting in self.prefetched.overdue(patience) {
            self.finish(FinishedRun::given_back(waiting.fetched.claim.lease));
        }
    }

    /// Hands a run that is over to the finalizer.
    fn finish(&self, run: FinishedRun) {
        self.buffer_outcome(run);
        self.completions.announce();
    }

    /// Puts a run that is over where the next write takes it from.
    fn buffer_outcome(&self, run: FinishedRun) {
        let job_id = run.lease.job_id;
        if !self.completions.push(run) {
            tracing::warn!(%job_id, "this worker has stopped and could not write the end of a job; others will return it");
        }
    }

    /// A role ended that should not have. Without any of them the worker would hold jobs that it cannot run, or not
    /// finish.
    fn role_panicked(&self, role: &'static str, panic: &(dyn Any + Send)) {
        let problem = panicked(panic);
        tracing::error!(
            role,
            problem,
            "a role of this worker panicked; the worker ends, and others return its jobs"
        );
        // The first one counts.
        self.ended.get_or_init(|| (role, problem));
        self.give_up();
    }

    fn why_ended(&self) -> Error {
        let (role, problem) = self.ended.get().cloned().unwrap_or_default();
        Error::WorkerEnded { role, problem }
    }

    /// Ends without a stop: nothing more is claimed, what runs is let go of, and the heartbeat ends. The
    /// process's row stays, for those who return its jobs.
    fn give_up(&self) {
        self.may_have_lost_claims.store(true, Ordering::Release);
        self.stopping.cancel();
        self.running.abandon_all();
        self.stopped.cancel();
    }

    /// Whether no row can be left in this process's name.
    fn holds_nothing(&self) -> bool {
        self.running.is_empty() && !self.may_have_lost_claims.load(Ordering::Acquire)
    }
}
