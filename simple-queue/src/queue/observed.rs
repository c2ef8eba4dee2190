//! What a test sees of a queue: the runs of its workers, and what a handler enqueues where there is
//! no database.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use sqlx::{Postgres, Transaction};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Registry, SimpleQueue, config::Config};
#[cfg(feature = "cron")]
use crate::schedule::Tick;
use crate::{
    enqueue::EnqueuedNowhere,
    finalize::{ClosedRun, FinishedRun},
    outcome::Transition,
    row::{Job, Lease},
    store::{end_job, save_job},
};

/// Nothing is observed unless a test asks for it.
#[derive(Default)]
pub(super) struct Observed {
    runs: OnceLock<Arc<RunLog>>,
    unit: OnceLock<Unit>,
}

/// The runs of a queue's workers, in the order in which their ends were written.
#[derive(Debug, Default)]
pub(crate) struct RunLog {
    state: Mutex<LogState>,
    /// A version that changes with every written run.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct LogState {
    /// Runs that have ended, and whose ends are not written yet.
    open: HashMap<Lease, ObservedRun>,
    written: Vec<Arc<ObservedRun>>,
    /// How many more jobs may start; `None`: any number.
    may_start: Option<usize>,
    /// How often pollers have found nothing that can start.
    looks: u64,
    /// How often permits and tokens were asked for, and whether an answer is awaited.
    lends: u64,
    is_lending: bool,
}

/// A run of a job.
#[derive(Debug)]
pub(crate) struct ObservedRun {
    pub(crate) job: Job,
    pub(crate) end: Transition,
    /// How long its handler worked; `None`: it was not called.
    pub(crate) ran: Option<Duration>,
    verify_first: bool,
}

/// A handler's run without a database.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    pub(crate) enqueued: EnqueuedNowhere,
    /// JSON text.
    pub(crate) metadata: Option<String>,
    #[cfg(feature = "cron")]
    pub(crate) tick: Option<Tick>,
    /// The transaction of a test in which the job runs.
    pub(crate) lent: Option<LentTransaction>,
}

/// A transaction of a test, while no job has it.
pub(crate) type LentTransaction = Arc<Mutex<Option<Transaction<'static, Postgres>>>>;

impl RunLog {
    /// The runs from this number on.
    pub(crate) fn since(&self, first: usize) -> Vec<Arc<ObservedRun>> {
        self.state().written[first..].to_vec()
    }

    /// How many runs have been written.
    pub(crate) fn len(&self) -> usize {
        self.state().written.len()
    }

    /// How often pollers have found nothing that can start.
    pub(crate) fn looks(&self) -> u64 {
        self.state().looks
    }

    /// How often permits and tokens were asked for; `None` while an answer is awaited.
    pub(crate) fn lends(&self) -> Option<u64> {
        let state = self.state();
        (!state.is_lending).then_some(state.lends)
    }

    /// Lets this many more jobs start, or any number.
    pub(crate) fn allow(&self, starts: Option<usize>) {
        self.state().may_start = starts;
    }

    /// Whether no more jobs may start.
    pub(crate) fn is_used_up(&self) -> bool {
        self.state().may_start == Some(0)
    }

    /// Returns a receiver that changes when a run has been written.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock()
    }
}

impl SimpleQueue {
    /// The runs of the workers of this queue, from the first call on.
    pub(crate) fn run_log(&self) -> &Arc<RunLog> {
        self.inner.observed.runs.get_or_init(Arc::default)
    }

    /// What a run without a database has at hand; `None` for a queue with one.
    pub(crate) fn unit(&self) -> Option<&Unit> {
        self.inner.observed.unit.get()
    }

    /// Makes this the queue of one run without a database.
    pub(crate) fn into_unit(self, unit: Unit) -> Self {
        // A new queue has none.
        self.inner.observed.unit.get_or_init(|| unit);
        self
    }

    /// Another queue in the same database, which shares the connections of this one, with settings
    /// and handlers that are changed.
    pub(crate) fn beside(&self, change: impl FnOnce(&mut Config, &mut Registry)) -> Self {
        let inner = &self.inner;
        let mut config = Config::clone(&inner.config.read());
        let mut registry = inner.registry.read().clone();
        change(&mut config, &mut registry);
        let store = inner.store.clone().of_test();
        let mut beside = Self::of_store(inner.servers.clone(), store, config, None).inner;
        let parts = Arc::get_mut(&mut beside).expect("it is new");
        parts.registry = registry.into();
        parts.wake = Arc::clone(&inner.wake);
        parts.coalescer = Arc::clone(&inner.coalescer);
        parts.observed.runs = OnceLock::from(Arc::clone(self.run_log()));
        Self { inner: beside }
    }

    /// Forgets the handlers, whose state may hold this queue, and closes the idle connections.
    pub(crate) fn let_go(&self) {
        *self.inner.registry.write() = Registry::default();
        self.coalescer().close_idle();
        self.wake().close_idle();
    }

    /// A run has ended; its end is not written yet.
    pub(crate) fn note_run(&self, job: &Job, ran: Option<Duration>, run: &FinishedRun) {
        let Some(log) = self.inner.observed.runs.get() else { return };
        let (end, verify_first) = (run.transition.clone(), run.verify_first);
        let observed = ObservedRun { job: job.clone(), end, ran, verify_first };
        log.state().open.insert(run.lease, observed);
    }

    pub(super) fn note_closed(&self, runs: &[ClosedRun]) {
        let Some(log) = self.inner.observed.runs.get() else { return };
        let mut state = log.state();
        for ClosedRun { lease, job_ended, .. } in runs {
            let Some(mut run) = state.open.remove(lease) else { continue };
            if run.verify_first && *job_ended {
                // Its handler finished it.
                run.end = Transition::Archive { result: None };
            }
            if run.ran.is_some() || !is_given_back(&run.end) {
                state.written.push(Arc::new(run));
            }
        }
        drop(state);
        log.changed.send_replace(());
    }

    /// Takes the right to start one more job. Returns `false` if a test lets no more start.
    pub(crate) fn may_start_another(&self) -> bool {
        let Some(log) = self.inner.observed.runs.get() else { return true };
        match &mut log.state().may_start {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Whether a test observes the workers of this queue.
    pub(crate) fn is_observed(&self) -> bool {
        self.inner.observed.runs.get().is_some()
    }

    /// The poller has found nothing that can start.
    pub(crate) fn note_look(&self) {
        if let Some(log) = self.inner.observed.runs.get() {
            log.state().looks += 1;
        }
    }

    /// The worker asks for permits or tokens, or has its answer.
    pub(crate) fn note_lending(&self, begins: bool) {
        if let Some(log) = self.inner.observed.runs.get() {
            let mut state = log.state();
            state.is_lending = begins;
            state.lends += u64::from(!begins);
        }
    }
}

impl Unit {
    /// Takes the transaction of the test for a job, whose part begins.
    pub(super) async fn lend(&self) -> Option<sqlx::Result<Transaction<'static, Postgres>>> {
        let mut tx = self.lent.as_ref()?.lock().take()?;
        match save_job(&mut tx).await {
            Ok(()) => Some(Ok(tx)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Takes the transaction back. What the job has done stays, or is undone.
    pub(super) async fn take_back(
        &self,
        mut tx: Transaction<'static, Postgres>,
        keeps: bool,
    ) -> sqlx::Result<()> {
        let ended = end_job(&mut tx, keeps).await;
        if let Some(lent) = &self.lent {
            *lent.lock() = Some(tx);
        }
        ended
    }
}

impl ObservedRun {
    pub(crate) fn new(job: Job, end: Transition, ran: Option<Duration>) -> Self {
        Self { job, end, ran, verify_first: false }
    }

    pub(crate) fn job_id(&self) -> Uuid {
        self.job.id
    }
}

/// The job did not run.
fn is_given_back(end: &Transition) -> bool {
    matches!(end, Transition::Retry(retry) if retry.attempt_kept && retry.error.is_none() && !retry.reprocessed)
}
