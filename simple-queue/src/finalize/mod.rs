//! Stage 8: transitions are written in batches, each fenced by the lease it was claimed under.
//!
//! Nothing waits for a timer in order to be batched: while one write is in flight, what ends meanwhile
//! gathers, and the next write takes all of it. One job alone is written at once, ten thousand are
//! written together.

mod batch;
mod fate;
mod outbox;

pub(crate) use outbox::Outbox;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    outcome::{Retry, Transition},
    retries::Retries,
    row::Lease,
    store::{Dedicated, Servers, Store},
};

/// A run that is over, and what is to be written of it.
#[derive(Debug)]
pub(crate) struct FinishedRun {
    pub(crate) lease: Lease,
    pub(crate) transition: Transition,
    /// The handler finished the job in its own transaction: look first whether that was committed.
    pub(crate) verify_first: bool,
}

impl FinishedRun {
    /// A run that did not happen, or not to its end, for no fault of its job.
    pub(crate) fn given_back(lease: Lease) -> Self {
        let transition = Transition::Retry(Retry::given_back(Duration::ZERO));
        Self { lease, transition, verify_first: false }
    }
}

/// A run of which nothing is left to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled {
    pub(crate) lease: Lease,
    /// Whether the job has ended, or goes on.
    pub(crate) ended: bool,
}

/// Writes what runs came to. What it has been given it keeps until the database has taken it.
pub(crate) struct Finalizer {
    store: Store,
    connection: Dedicated,
    outbox: Arc<Outbox>,
    /// Whether the archive keeps what says nothing of itself.
    keep: bool,
    open: Vec<OpenRun>,
    retries: Retries,
    partitions_due: Instant,
}

/// A run that is still to be written.
#[derive(Debug)]
struct OpenRun {
    run: FinishedRun,
    /// An earlier write of it may have been carried out without an answer.
    answer_was_lost: bool,
    /// Not before this time: somebody else has its row locked, or it failed alone.
    not_before: Option<Instant>,
    /// How often somebody else had its row locked, or left a trace in it.
    lock_waits: u32,
    /// How often the database refused to write it alone.
    refusals: u32,
}

/// Somebody else's lock on a row ends with his transaction. Mostly that is another process's fetch, which
/// met the row as it was claimed and ends in milliseconds; it may be a user's, so each pause is twice the last.
const FIRST_PAUSE_FOR_A_LOCK: Duration = Duration::from_millis(5);
const LONGEST_PAUSE_FOR_A_LOCK: Duration = Duration::from_millis(200);

/// A transition that the database refuses by itself is tried again at this pace, and complained of each
/// time; after so many times the job ends as a `critical_failure` with the database's words.
const PAUSE_AFTER_A_REFUSAL: Duration = Duration::from_secs(10);
const MAX_REFUSALS: u32 = 3;

/// So many runs are written in one statement: long enough to share the commit, short enough to stay far
/// below the time that a statement may take.
const RUNS_PER_STATEMENT: usize = 1000;

/// How often the archive's partitions are looked after here, for processes that run no janitor.
const PARTITIONS_EVERY: Duration = Duration::from_hours(12);

impl Finalizer {
    /// A finalizer, and where to put what is over. It ends when that is closed and all has been written.
    pub(crate) fn new(
        store: Store,
        servers: &Servers,
        keep: bool,
        settled: impl Fn(&[Settled]) + Send + Sync + 'static,
    ) -> (Self, Arc<Outbox>) {
        let outbox = Arc::new(Outbox::new(settled));
        let finalizer = Self {
            store,
            connection: Dedicated::for_batches(servers),
            outbox: Arc::clone(&outbox),
            keep,
            open: Vec::new(),
            retries: Retries::default(),
            partitions_due: Instant::now(),
        };
        (finalizer, outbox)
    }

    pub(crate) async fn run(mut self) {
        self.make_partitions_if_due().await;
        while self.gather().await {
            self.make_partitions_if_due().await;
            self.write().await;
        }
    }

    /// Waits until there is something to write and takes all that has arrived; `false` at the end.
    async fn gather(&mut self) -> bool {
        loop {
            let is_over = match self.outbox.take() {
                Some(arrived) => {
                    self.open.extend(arrived);
                    false
                }
                None => true,
            };
            let now = Instant::now();
            match self.open.iter().map(|open| open.not_before.unwrap_or(now)).min() {
                Some(next) if next <= now => return true,
                Some(next) => tokio::select! {
                    () = self.outbox.arrived(), if !is_over => {}
                    () = tokio::time::sleep_until(next.into()) => return true,
                },
                None if is_over => return false,
                None => self.outbox.arrived().await,
            }
        }
    }

    async fn make_partitions_if_due(&mut self) {
        if self.partitions_due <= Instant::now() {
            let pause = match self.make_partitions().await {
                Some(_) => PARTITIONS_EVERY,
                None => PAUSE_AFTER_A_REFUSAL,
            };
            self.partitions_due = Instant::now() + pause;
        }
    }

    /// Writes what is due, and keeps what could not be written.
    #[tracing::instrument(name = "finalize", level = "debug", skip_all, fields(runs = self.open.len()))]
    async fn write(&mut self) {
        let now = Instant::now();
        let is_due = |open: &OpenRun| open.not_before.is_none_or(|not_before| not_before <= now);
        let (due, later) = std::mem::take(&mut self.open).into_iter().partition(is_due);
        self.open = later;
        for mut batch in batch::by_transition(due) {
            while !batch.is_empty() {
                let rest = batch.split_off(std::cmp::min(RUNS_PER_STATEMENT, batch.len()));
                self.write_batch(batch).await;
                batch = rest;
            }
        }
    }
}

impl OpenRun {
    fn new(run: FinishedRun) -> Self {
        Self { run, answer_was_lost: false, not_before: None, lock_waits: 0, refusals: 0 }
    }

    /// To be written when whoever has its row locked may be done.
    fn after_lock(self) -> Self {
        let pause =
            FIRST_PAUSE_FOR_A_LOCK * 2_u32.saturating_pow(std::cmp::min(self.lock_waits, 10));
        let pause = std::cmp::min(pause, LONGEST_PAUSE_FOR_A_LOCK);
        Self { not_before: Some(Instant::now() + pause), lock_waits: self.lock_waits + 1, ..self }
    }

    /// Whether a statement that tries no row which somebody has touched left this one out.
    const fn was_passed_by(&self) -> bool {
        self.lock_waits > 0
    }

    fn lease(&self) -> Lease {
        self.run.lease
    }

    /// What the archive is told of it, if that is where it goes.
    fn archived(&self) -> Option<(Lease, Option<&str>)> {
        match &self.run.transition {
            Transition::Archive { result } => Some((self.lease(), result.as_deref())),
            Transition::Retry(_) | Transition::DeadLetter(_) => None,
        }
    }
}
