//! Stage 8: transitions are written in batches, each fenced by the lease it was claimed under.
//!
//! Nothing waits for a timer in order to be batched: while one write is in flight, what ends meanwhile
//! gathers, and the next write takes all of it. One job alone is written at once, ten thousand are
//! written together.

mod batch;
mod completion_buffer;
mod unwritten;
mod unwritten_reason;

pub(crate) use completion_buffer::{CompletionBuffer, RunObserver};
pub(crate) use unwritten::Unwritten;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::Instrument;

use crate::{
    database::{Dedicated, Servers},
    outcome::{Retry, Transition},
    retry_pause::{Pauses, RetryPause},
    row::Lease,
    store::Store,
    telemetry,
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
        let transition = Retry::given_back(Duration::ZERO).into();
        Self { lease, transition, verify_first: false }
    }
}

/// A run of which nothing is left to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedRun {
    pub(crate) lease: Lease,
    /// Whether the job has ended, or goes on.
    pub(crate) job_ended: bool,
    /// How much memory its words took.
    bytes: usize,
}

/// Writes what runs came to. What it has been given it keeps until the database has taken it.
pub(crate) struct Finalizer {
    store: Store,
    connection: Dedicated,
    completions: Arc<CompletionBuffer>,
    /// Whether the archive keeps what says nothing of itself.
    keep: bool,
    open: Vec<OpenRun>,
    /// How many runs a statement may hold at present.
    runs_per_statement: usize,
    /// A bit for each kind of which runs were refused, and whether that is their fault or their table's is not known.
    doubted: u8,
    retry_pause: RetryPause,
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
    /// How often the database refused to write it alone, for its own sake.
    refusals: u32,
    /// How many statements of its table had succeeded when it was last refused.
    refused_after: Option<u64>,
    /// How much memory its words take.
    bytes: usize,
}

/// Somebody else's lock on a row ends with his transaction. Mostly that is another process's fetch, which
/// met the row as it was claimed and ends in milliseconds; it may be a user's, so each pause is twice the last.
const PAUSES_FOR_A_LOCK: Pauses =
    Pauses { first: Duration::from_millis(5), longest: Duration::from_millis(200), jitter: 0.0 };

/// 10 seconds pass before a transition that the database refused by itself is tried again. After three refusals
/// between which others were written, the job ends as a `critical_failure` with the database's words. While
/// nothing of its kind is written, the fault may be the table's, and the transition is kept.
const PAUSE_AFTER_A_REFUSAL: Duration = Duration::from_secs(10);
const MAX_REFUSALS: u32 = 3;

/// 1,000 runs at most are written in one statement: long enough to share the commit, short enough to stay far
/// below the time that a statement may take. Where one takes too long all the same, the next ones are shorter.
const RUNS_PER_STATEMENT: usize = 1000;

/// 4 MiB of results and errors at most are in one statement, unless one alone is larger.
const BYTES_PER_STATEMENT: usize = 4 * 1024 * 1024;

/// How often the archive's partitions are looked after here, for processes that run no janitor.
const PARTITIONS_EVERY: Duration = Duration::from_hours(12);

impl Finalizer {
    /// A finalizer, and where to put what is over. It ends when that is closed and all has been written.
    pub(crate) fn new(
        store: Store,
        servers: &Servers,
        keep: bool,
        observer: impl RunObserver,
    ) -> (Self, Arc<CompletionBuffer>) {
        let completions = Arc::new(CompletionBuffer::new(observer));
        let finalizer = Self {
            store,
            connection: Dedicated::for_batches(servers),
            completions: Arc::clone(&completions),
            keep,
            open: Vec::new(),
            runs_per_statement: RUNS_PER_STATEMENT,
            doubted: 0,
            retry_pause: RetryPause::default(),
            partitions_due: Instant::now(),
        };
        (finalizer, completions)
    }

    pub(crate) async fn run(mut self) {
        self.make_partitions_if_due().await;
        while self.gather().await {
            self.make_partitions_if_due().await;
            let span = telemetry::finalize::pass(self.open.len());
            self.write().instrument(span).await;
        }
    }

    /// Waits until there is something to write and takes all that has arrived; `false` at the end.
    async fn gather(&mut self) -> bool {
        loop {
            let is_over = match self.completions.take() {
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
                    () = self.completions.arrived(), if !is_over => {}
                    () = tokio::time::sleep_until(next.into()) => return true,
                },
                None if is_over => return false,
                None => self.completions.arrived().await,
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
    async fn write(&mut self) {
        let now = Instant::now();
        let is_due = |open: &OpenRun| open.not_before.is_none_or(|not_before| not_before <= now);
        let (due, later) = std::mem::take(&mut self.open).into_iter().partition(is_due);
        self.open = later;
        for batch in batch::by_transition(due) {
            self.write_in_parts(batch).await;
        }
        let doubted = self.doubted;
        let can_tell = |open: &OpenRun| open.refusals == 0 && open.kind().bit() & doubted != 0;
        if doubted != 0 && !self.open.iter().any(can_tell) {
            // Only the ends of other jobs can.
            self.doubted = 0;
            self.completions.allow_trials();
        }
    }

    /// Writes runs of one kind, in as many statements as they need.
    async fn write_in_parts(&mut self, mut batch: Vec<OpenRun>) {
        while !batch.is_empty() {
            let rest = batch.split_off(first_part(&batch, self.runs_per_statement));
            self.write_batch(batch).await;
            batch = rest;
        }
    }
}

/// How many of these runs, of which there is one, are to be in the next statement.
fn first_part(runs: &[OpenRun], most: usize) -> usize {
    let mut bytes = 0;
    let fits = |open: &&OpenRun| {
        bytes += open.bytes;
        bytes <= BYTES_PER_STATEMENT
    };
    std::cmp::max(runs.iter().take(most).take_while(fits).count(), 1)
}

impl OpenRun {
    fn new(run: FinishedRun) -> Self {
        Self {
            bytes: run.transition.bytes(),
            run,
            answer_was_lost: false,
            not_before: None,
            lock_waits: 0,
            refusals: 0,
            refused_after: None,
        }
    }

    fn closed(&self, job_ended: bool) -> ClosedRun {
        ClosedRun { lease: self.lease(), job_ended, bytes: self.bytes }
    }

    /// To be written when whoever has its row locked may be done.
    fn after_lock(self) -> Self {
        let pause = PAUSES_FOR_A_LOCK.after(self.lock_waits);
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
        let Transition::Archive { result } = &self.run.transition else { return None };
        Some((self.lease(), result.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_statement_holds_as_much_as_it_may_in_runs_and_in_bytes_and_at_least_one_run() {
        let runs = |bytes: &[usize]| -> Vec<OpenRun> {
            let lease = Lease { job_id: Uuid::nil(), worker_id: Uuid::nil(), number: 1 };
            let with = |bytes: &usize| OpenRun {
                bytes: *bytes,
                ..OpenRun::new(FinishedRun::given_back(lease))
            };
            bytes.iter().map(with).collect()
        };
        let most = BYTES_PER_STATEMENT;
        assert_eq!(first_part(&runs(&[1; 5]), 3), 3);
        assert_eq!(first_part(&runs(&[1; 5]), 10), 5);
        assert_eq!(first_part(&runs(&[most / 2, most / 2, 1]), 10), 2);
        assert_eq!(first_part(&runs(&[most * 2, 1]), 10), 1);
    }
}
