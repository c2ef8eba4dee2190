//! One statement for each kind of transition.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Finalizer, MAX_REFUSALS, OpenRun, PAUSE_AFTER_A_REFUSAL, RUNS_PER_STATEMENT,
    unwritten_reason::UnwrittenReason,
};
use crate::{
    database::failure::{
        described, is_about_a_value, is_ambiguous, is_missing_partition, is_statement_timeout,
        is_transient,
    },
    job::JobStatus,
    outcome::{DeadLetter, Retry, Transition, words_of},
    row::Lease,
    store::{Completed, LeaseState, Store},
    telemetry,
};

/// What one statement can write together. Each variant is one kind of statement: [`OpenRun::kind`] says which runs it
/// is for, [`BatchKind::write`] how they are written. A new kind changes none of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BatchKind {
    /// Perhaps finished by a transaction of the handler: only looked up.
    Doubted,
    /// Completed, but another transaction has touched the row, so the statement needs a lock.
    Touched,
    Completed,
    Retry,
    DeadLetter,
}

impl BatchKind {
    /// Number of places.
    pub(super) const PLACES: usize = 4;

    /// Index of the kind's counters. The two kinds that end in the archive share one.
    pub(super) const fn place(self) -> usize {
        match self {
            Self::Doubted => 0,
            Self::Touched | Self::Completed => 1,
            Self::Retry => 2,
            Self::DeadLetter => 3,
        }
    }

    pub(super) const fn bit(self) -> u8 {
        1 << self.place()
    }
}

/// Groups runs that one statement can write: of one kind, and of one worker id, which changes when a process is
/// declared dead and continues under a new one. Each batch is sorted by job id, the order in which the statements lock
/// their rows.
pub(super) fn by_transition(mut runs: Vec<OpenRun>) -> Vec<Vec<OpenRun>> {
    runs.sort_unstable_by_key(|open| open.lease().job_id);
    let mut batches: BTreeMap<(Uuid, BatchKind), Vec<OpenRun>> = BTreeMap::new();
    for open in runs {
        batches.entry((open.lease().worker_id, open.kind())).or_default().push(open);
    }
    batches.into_values().collect()
}

/// 3 runs refused in a row, and none accepted: then the table is at fault, not the runs.
const ENOUGH_REFUSALS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was carried out, or the batch was written in parts.
    Written,
    /// A run is refused for its own values, which says nothing of the others.
    RefusedAlone,
    /// It was refused, perhaps because of the table.
    Refused,
    /// It could not be carried out now.
    Failed,
}

/// 1 s: a statement that is faster may hold twice as many runs the next time.
const QUICK: Duration = Duration::from_secs(1);

impl Finalizer {
    /// Writes one batch. Closes the runs that were written or are no longer this process's, and keeps the others.
    pub(super) async fn write_batch(&mut self, batch: Vec<OpenRun>) -> Answer {
        let Some(kind) = batch.first().map(OpenRun::kind) else { return Answer::Written };
        let (store, keep, began) = (&self.store, self.keep, Instant::now());
        let was_written = AtomicBool::new(false);
        let answer = self.connection.ask(async |connection| {
            let mut written = kind.write(store, connection, &batch, keep).await?;
            was_written.store(true, Ordering::Relaxed);
            written.sort_unstable();
            let missing: Vec<Lease> = batch
                .iter()
                .map(OpenRun::lease)
                .filter(|lease| written.binary_search(&lease.job_id).is_err())
                .collect();
            let states = match missing.as_slice() {
                [] => Vec::new(),
                [first, ..] => store.read_leases(connection, first.worker_id, &missing).await?,
            };
            Ok((written, states))
        });
        match answer.await {
            Ok((written, states)) => {
                self.succeeded(kind, batch.len(), began.elapsed());
                self.close_runs(batch, &written, &states);
                Answer::Written
            }
            Err(error) if is_missing_partition(&error) => {
                self.completions.unwritten().failed(kind);
                // The partition is missing: no process has created partitions for a week. If this call creates none,
                // another process has created it and not attached it yet, so wait.
                if self.make_partitions().await.is_none_or(|made| made == 0) {
                    self.retry_pause.wait().await;
                }
                self.open.extend(batch);
                Answer::Failed
            }
            // The batch may be too large for one statement.
            Err(error) if is_statement_timeout(&error) && batch.len() > 1 => {
                self.runs_per_statement = batch.len().div_ceil(2);
                Box::pin(self.write_in_parts(batch)).await;
                Answer::Written
            }
            Err(error) if is_transient(&error) => {
                self.completions.unwritten().failed(kind);
                let answer_was_lost = was_written.load(Ordering::Relaxed) || is_ambiguous(&error);
                telemetry::finalize::write_postponed(&described(&error), batch.len());
                self.open.extend(batch.into_iter().map(|mut open| {
                    open.answer_was_lost |= answer_was_lost;
                    open
                }));
                self.retry_pause.wait().await;
                Answer::Failed
            }
            Err(error) => self.isolate(kind, batch, &error).await,
        }
    }

    fn succeeded(&mut self, kind: BatchKind, runs: usize, took: Duration) {
        self.retry_pause.reset();
        self.completions.unwritten().paced(runs, took);
        self.completions.succeeded(kind);
        if runs >= self.runs_per_statement && took < QUICK {
            self.runs_per_statement = std::cmp::min(runs * 2, RUNS_PER_STATEMENT);
        }
    }

    /// Closes the runs that were written, whose ids are sorted, and decides about each of the others.
    fn close_runs(&mut self, batch: Vec<OpenRun>, written: &[Uuid], states: &[LeaseState]) {
        let mut closed = Vec::with_capacity(batch.len());
        for open in batch {
            let lease = open.lease();
            let job_id = lease.job_id;
            if written.binary_search(&job_id).is_ok() {
                closed.push(open.written(ends(&open.run.transition)));
                continue;
            }
            // Two runs of one job may be open at once, if the job was returned and claimed again.
            let state =
                states.iter().find(|state| state.job_id == job_id && state.lease == lease.number);
            match UnwrittenReason::of(&open, state) {
                UnwrittenReason::AlreadyWritten => {
                    // A handler that finished the job in its own transaction ended the job.
                    let job_ended = open.run.verify_first || ends(&open.run.transition);
                    closed.push(open.written(job_ended));
                }
                UnwrittenReason::LeaseLost => {
                    telemetry::finalize::lease_lost(job_id, lease.number);
                    closed.push(open.let_go(false));
                }
                UnwrittenReason::Superseded => closed.push(open.let_go(false)),
                UnwrittenReason::Cancelled(letter) => {
                    self.open.push(open.with(letter.into()));
                }
                UnwrittenReason::NotCommitted => {
                    let transition = open.run.transition.clone();
                    self.open.push(open.with(transition));
                }
                UnwrittenReason::RowLocked => self.open.push(open.after_lock()),
            }
        }
        self.completions.close_runs(&closed);
    }

    /// Writes a refused batch run by run, so that one bad transition fails alone. If the first few are all refused, and
    /// not for their own values, the table is at fault and the others wait.
    async fn isolate(
        &mut self,
        kind: BatchKind,
        mut batch: Vec<OpenRun>,
        error: &sqlx::Error,
    ) -> Answer {
        if batch.len() == 1 {
            return batch.pop().map_or(Answer::Written, |open| self.refused(kind, open, error));
        }
        let successes = self.successes_of(kind);
        let (mut refusals, mut batch) = (0, batch.into_iter());
        let mut last = Answer::Written;
        for open in batch.by_ref() {
            last = Box::pin(self.write_batch(vec![open])).await;
            refusals += usize::from(last == Answer::Refused);
            let is_taken = self.successes_of(kind) != successes;
            if last == Answer::Failed || (refusals == ENOUGH_REFUSALS && !is_taken) {
                break;
            }
        }
        let runs = batch.len();
        if runs > 0 {
            telemetry::finalize::table_refuses(&described(error), runs);
            self.completions.unwritten().failed(kind);
            let not_before = Some(Instant::now() + self.retry_pause.next());
            self.open.extend(batch.map(|open| OpenRun { not_before, ..open }));
        } else if last != Answer::Failed && self.successes_of(kind) != successes {
            // The refused runs were refused for their own values.
            self.completions.cleared(kind);
        }
        Answer::Written
    }

    /// The database refuses this run alone. The run is at fault if the error is about a value, or if other runs of its
    /// kind were written since the last refusal.
    fn refused(&mut self, kind: BatchKind, open: OpenRun, error: &sqlx::Error) -> Answer {
        let job_id = open.lease().job_id;
        let successes = self.successes_of(kind);
        let is_its_fault = is_about_a_value(error) || open.refused_after != Some(successes);
        let refusals = open.refusals + u32::from(is_its_fault);
        telemetry::finalize::run_refused(&described(error), job_id, refusals);
        // Only once: a job that the dead letters refuse too is retried now and then while it is held.
        if refusals == MAX_REFUSALS && is_its_fault {
            self.completions.cleared(kind);
            let reason =
                words_of(&format_args!("its end could not be written: {}", described(error)));
            let open = open.with(Transition::from(DeadLetter {
                status: JobStatus::CriticalFailure,
                reason,
                attempt_kept: false,
                error: None,
            }));
            self.open.push(OpenRun { refusals, ..open });
            return Answer::RefusedAlone;
        }
        // A refused claim that was to write this run made its kind count as failing, and the run cannot clear that.
        self.doubted |= kind.bit();
        let answer = if is_about_a_value(error) {
            Answer::RefusedAlone
        } else {
            self.completions.unwritten().failed(kind);
            Answer::Refused
        };
        let not_before = Some(Instant::now() + PAUSE_AFTER_A_REFUSAL);
        let refused_after = Some(successes);
        self.open.push(OpenRun { not_before, refusals, refused_after, ..open });
        answer
    }

    fn successes_of(&self, kind: BatchKind) -> u64 {
        self.completions.unwritten().successes(kind)
    }

    /// Creates the missing partitions of the archive and returns how many; `None` if that failed.
    pub(super) async fn make_partitions(&mut self) -> Option<i32> {
        let store = &self.store;
        let made = self
            .connection
            .ask(async |connection| store.ensure_archive_partitions(connection).await);
        match made.await {
            Ok(made) => {
                telemetry::finalize::partitions_made(made);
                Some(made)
            }
            Err(error) => {
                telemetry::finalize::partitions_not_made(&described(&error));
                None
            }
        }
    }
}

impl OpenRun {
    pub(super) const fn kind(&self) -> BatchKind {
        match &self.run.transition {
            _ if self.run.verify_first => BatchKind::Doubted,
            Transition::Archive { .. } if self.was_skipped() => BatchKind::Touched,
            Transition::Archive { .. } => BatchKind::Completed,
            Transition::Retry(_) => BatchKind::Retry,
            Transition::DeadLetter(_) => BatchKind::DeadLetter,
        }
    }

    fn retried(&self) -> Option<(Lease, &Retry)> {
        let Transition::Retry(retry) = &self.run.transition else { return None };
        Some((self.lease(), retry))
    }

    fn dead_lettered(&self) -> Option<(Lease, &DeadLetter)> {
        let Transition::DeadLetter(letter) = &self.run.transition else { return None };
        Some((self.lease(), letter))
    }

    fn with(self, transition: Transition) -> Self {
        let run = super::FinishedRun { transition, verify_first: false, ..self.run };
        Self { run, ..self }
    }
}

impl BatchKind {
    /// Sends the statement of this kind for runs of one worker id; returns the ids that it changed.
    pub(super) async fn write(
        self,
        store: &Store,
        connection: &mut PgConnection,
        runs: &[OpenRun],
        keep: bool,
    ) -> sqlx::Result<Vec<Uuid>> {
        let Some(worker_id) = runs.first().map(|open| open.lease().worker_id) else {
            return Ok(Vec::new());
        };
        match self {
            // The caller looks up each run that is not written, which is all of these.
            Self::Doubted => Ok(Vec::new()),
            Self::Touched | Self::Completed => {
                let done: Vec<_> = runs.iter().filter_map(OpenRun::archived).collect();
                let (completed, include_touched) =
                    (Completed { runs: &done, keep }, self == Self::Touched);
                store.archive_jobs(connection, worker_id, completed, include_touched).await
            }
            Self::Retry => {
                let retries: Vec<_> = runs.iter().filter_map(OpenRun::retried).collect();
                store.retry_jobs(connection, worker_id, &retries).await
            }
            Self::DeadLetter => {
                let dead: Vec<_> = runs.iter().filter_map(OpenRun::dead_lettered).collect();
                store.dead_letter_jobs(connection, worker_id, &dead).await
            }
        }
    }
}

fn ends(transition: &Transition) -> bool {
    !matches!(transition, Transition::Retry(_))
}
