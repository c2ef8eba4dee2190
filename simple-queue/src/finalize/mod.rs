//! Stage 8: transitions are written in batches, each fenced by the lease it was claimed under.
//!
//! Batches form without a timer: runs that finish during one write are collected, and the next write takes all of them.
//! A single run is written at once, ten thousand are written together.

mod batch;
mod completion_buffer;
mod unwritten;
mod unwritten_reason;

pub(crate) use completion_buffer::{CompletedRuns, CompletionBuffer, RunObserver};
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
    stats::{Measured, RunEnd},
    store::Store,
    telemetry,
};

/// A finished run and the transition to write for it.
#[derive(Debug)]
pub(crate) struct FinishedRun {
    pub(crate) lease: Lease,
    pub(crate) transition: Transition,
    /// The handler finished the job in its own transaction: look up first whether that committed.
    pub(crate) verify_first: bool,
    /// What is counted of it; `None`: nothing, because its handler was not called.
    pub(crate) measured: Option<Measured>,
}

impl FinishedRun {
    /// A run that did not start, or did not end, through no fault of its job.
    pub(crate) fn given_back(lease: Lease) -> Self {
        let transition = Retry::given_back(Duration::ZERO).into();
        Self { lease, transition, verify_first: false, measured: None }
    }
}

/// A run of which nothing is left to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedRun {
    pub(crate) lease: Lease,
    /// Whether the job has ended; otherwise it is pending again or another process's.
    pub(crate) job_ended: bool,
    /// What is counted of it, if its end was written.
    pub(crate) counted: Option<(Measured, RunEnd)>,
    /// Size of its texts in memory.
    bytes: usize,
}

/// Writes the transitions of finished runs. It keeps each run until the database has accepted it.
pub(crate) struct Finalizer {
    store: Store,
    connection: Dedicated,
    completions: Arc<CompletionBuffer>,
    /// Whether jobs without their own `retain` are archived.
    keep: bool,
    open: Vec<OpenRun>,
    /// Current upper bound of runs per statement.
    runs_per_statement: usize,
    /// One bit per kind: runs of it were refused, and whether the runs or the table are at fault is not known.
    doubted: u8,
    retry_pause: RetryPause,
    partitions_due: Instant,
}

/// A run that is not written yet.
#[derive(Debug)]
struct OpenRun {
    run: FinishedRun,
    /// An earlier write may have been carried out although its answer was lost.
    answer_was_lost: bool,
    /// Not written before this time: another transaction has locked its row, or it was refused alone.
    not_before: Option<Instant>,
    /// How often its row was locked or touched by another transaction.
    lock_waits: u32,
    /// How often the database refused to write it alone, for its own values.
    refusals: u32,
    /// Number of successful statements of its table at the last refusal.
    refused_after: Option<u64>,
    /// Size of its texts in memory.
    bytes: usize,
}

/// 5 ms, doubled up to 200 ms: pauses while another transaction locks the row. Usually that is a fetch of another
/// process, which met the row during its claim and ends within milliseconds; it may also be a user's transaction.
const PAUSES_FOR_A_LOCK: Pauses =
    Pauses { first: Duration::from_millis(5), longest: Duration::from_millis(200), jitter: 0.0 };

/// 10 s until a transition that the database refused alone is tried again. After three refusals, with other runs
/// written in between, the job becomes a `critical_failure` with the database's message. While no run of its kind is
/// written the table may be at fault, and the transition is kept.
const PAUSE_AFTER_A_REFUSAL: Duration = Duration::from_secs(10);
const MAX_REFUSALS: u32 = 3;

/// 1,000 runs at most in one statement: enough to share a commit, few enough to stay far below the statement timeout.
/// If one still times out, the next ones are smaller.
const RUNS_PER_STATEMENT: usize = 1000;

/// 4 MiB of results and errors at most in one statement; a single larger run is written alone.
const BYTES_PER_STATEMENT: usize = 4 * 1024 * 1024;

/// 12 h between two checks of the archive's partitions, for processes that run no janitor.
const PARTITIONS_EVERY: Duration = Duration::from_hours(12);

impl Finalizer {
    /// Returns a finalizer and its buffer. The finalizer ends when the buffer is closed and everything is written.
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

    /// Waits until a run is due and takes all that have arrived; returns `false` at the end.
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

    /// Writes the runs that are due, and keeps those that could not be written.
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
            // Only ends of other jobs can resolve the doubt.
            self.doubted = 0;
            self.completions.allow_trials();
        }
    }

    /// Writes runs of one kind, in as many statements as they need.
    async fn write_in_parts(&mut self, mut batch: Vec<OpenRun>) {
        while !batch.is_empty() {
            let rest = batch.split_off(first_part(&batch, self.runs_per_statement));
            // Whatever the answer, runs that were not written stay open.
            self.write_batch(batch).await;
            batch = rest;
        }
    }
}

/// Writes one run on a connection of the caller's, as the finalizer would. Returns whether its lease still held.
#[cfg(feature = "testing")]
pub(crate) async fn write_one(
    store: &Store,
    connection: &mut sqlx::PgConnection,
    run: FinishedRun,
    keep: bool,
) -> sqlx::Result<bool> {
    let open = [OpenRun::new(run)];
    let written = open[0].kind().write(store, connection, &open, keep).await?;
    Ok(!written.is_empty())
}

/// How many of these runs go into the next statement: at least one.
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

    /// Closed because its end is written.
    fn written(&self, job_ended: bool) -> ClosedRun {
        // A run that ended its job itself counts as completed, whatever was to be written otherwise.
        let end = if self.run.verify_first && job_ended {
            Some(RunEnd::Completed)
        } else {
            self.run.transition.counted()
        };
        ClosedRun { counted: self.run.measured.zip(end), ..self.let_go(job_ended) }
    }

    /// Closed because the job is no longer this process's, or this run no longer the one to be written.
    fn let_go(&self, job_ended: bool) -> ClosedRun {
        ClosedRun { lease: self.lease(), job_ended, counted: None, bytes: self.bytes }
    }

    /// Postponed until the transaction that locks its row has probably ended.
    fn after_lock(self) -> Self {
        let pause = PAUSES_FOR_A_LOCK.after(self.lock_waits);
        Self { not_before: Some(Instant::now() + pause), lock_waits: self.lock_waits + 1, ..self }
    }

    /// Whether a statement without `include_touched` skipped this run.
    const fn was_skipped(&self) -> bool {
        self.lock_waits > 0
    }

    fn lease(&self) -> Lease {
        self.run.lease
    }

    /// What the archive statement needs, if the job goes to the archive.
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
            let lease =
                Lease { job_id: Uuid::nil(), worker_id: Uuid::nil(), number: 1, rule: None };
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
