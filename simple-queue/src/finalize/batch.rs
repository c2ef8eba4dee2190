//! One statement for each kind of transition.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Finalizer, MAX_REFUSALS, OpenRun, PAUSE_AFTER_A_REFUSAL, Settled, fate::Fate};
use crate::{
    error::{is_ambiguous, is_transient},
    job::JobStatus,
    outcome::{DeadLetter, Retry, Transition},
    row::Lease,
    store::{Finish, LeaseState, Store},
};

/// Puts together what one statement can write: the same kind of transition, by the same process id,
/// which changes when a process is declared dead and goes on under a new one. Those that were passed by, and
/// need a lock, are apart. Each batch is in the order of its ids, in which the statements lock their rows.
pub(super) fn by_transition(mut runs: Vec<OpenRun>) -> Vec<Vec<OpenRun>> {
    runs.sort_unstable_by_key(|open| open.lease().job_id);
    let mut batches: BTreeMap<(Uuid, u8), Vec<OpenRun>> = BTreeMap::new();
    for open in runs {
        let kind = match (open.run.verify_first, &open.run.transition) {
            (true, _) => 0,
            (false, Transition::Archive { .. }) if open.was_passed_by() => 1,
            (false, Transition::Archive { .. }) => 2,
            (false, Transition::Retry(_)) => 3,
            (false, Transition::DeadLetter(_)) => 4,
        };
        batches.entry((open.lease().worker_id, kind)).or_default().push(open);
    }
    batches.into_values().collect()
}

impl Finalizer {
    /// Writes one batch. It settles what was written or is no longer this process's, and keeps the rest.
    pub(super) async fn write_batch(&mut self, batch: Vec<OpenRun>) {
        let (store, keep) = (&self.store, self.keep);
        let was_written = AtomicBool::new(false);
        let answer = self.connection.ask(async |connection| {
            let mut written = write(store, connection, &batch, keep).await?;
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
                self.retries.reset();
                self.settle(batch, &written, &states);
            }
            Err(error) if is_missing_partition(&error) => {
                // Nobody has looked after the archive for a week.
                // With none made, what is missing is there and not attached; that takes somebody else.
                if self.make_partitions().await.is_none_or(|made| made == 0) {
                    self.retries.wait().await;
                }
                self.open.extend(batch);
            }
            // It may be too much for one statement.
            Err(error) if is_timeout(&error) && batch.len() > 1 => self.halve(batch).await,
            Err(error) if is_transient(&error) => {
                let answer_was_lost = was_written.load(Ordering::Relaxed) || is_ambiguous(&error);
                tracing::warn!(error = %crate::error::described(&error), runs = batch.len(), "finished jobs could not be written yet; they are kept");
                self.open.extend(batch.into_iter().map(|mut open| {
                    open.answer_was_lost |= answer_was_lost;
                    open
                }));
                self.retries.wait().await;
            }
            Err(error) => self.isolate(batch, &error).await,
        }
    }

    /// Whoever waits for these runs is told of those that are written, whose ids come in their order.
    fn settle(&mut self, batch: Vec<OpenRun>, written: &[Uuid], states: &[LeaseState]) {
        let mut settled = Vec::with_capacity(batch.len());
        for open in batch {
            let lease = open.lease();
            let job_id = lease.job_id;
            if written.binary_search(&job_id).is_ok() {
                settled.push(Settled { lease, ended: ends(&open.run.transition) });
                continue;
            }
            // Two runs of one job may be open at once, when it was taken away and claimed again.
            let state =
                states.iter().find(|state| state.job_id == job_id && state.lease == lease.number);
            match Fate::of(&open, state) {
                Fate::Finished => {
                    // A handler that finished the job in its own transaction ended it.
                    let ended = open.run.verify_first || ends(&open.run.transition);
                    settled.push(Settled { lease, ended });
                }
                Fate::Lost => {
                    tracing::warn!(%job_id, lease = lease.number, "the lease was lost: another process has the job, and what this run came to is dropped");
                    settled.push(Settled { lease, ended: false });
                }
                Fate::Superseded => settled.push(Settled { lease, ended: false }),
                Fate::Cancelled(letter) => {
                    self.open.push(open.with(Transition::DeadLetter(letter)));
                }
                Fate::Unfinished => {
                    let transition = open.run.transition.clone();
                    self.open.push(open.with(transition));
                }
                Fate::Locked => self.open.push(open.after_lock()),
            }
        }
        self.outbox.settle(&settled);
    }

    async fn halve(&mut self, mut batch: Vec<OpenRun>) {
        let rest = batch.split_off(batch.len() / 2);
        for half in [batch, rest] {
            Box::pin(self.write_batch(half)).await;
        }
    }

    /// A batch that the database refuses is written one by one: then one bad transition fails alone.
    async fn isolate(&mut self, mut batch: Vec<OpenRun>, error: &sqlx::Error) {
        if batch.len() > 1 {
            for open in batch {
                Box::pin(self.write_batch(vec![open])).await;
            }
        } else if let Some(open) = batch.pop() {
            let refusals = open.refusals + 1;
            tracing::error!(error = %crate::error::described(error), job_id = %open.lease().job_id, refusals, "the end of this job cannot be written; it stays `running` and is tried again");
            let not_before = Some(Instant::now() + PAUSE_AFTER_A_REFUSAL);
            let open = match refusals < MAX_REFUSALS {
                true => open,
                false => open.with(Transition::DeadLetter(DeadLetter {
                    status: JobStatus::CriticalFailure,
                    reason: format!(
                        "its end could not be written: {}",
                        crate::error::described(error)
                    ),
                    attempt_kept: false,
                    error: None,
                })),
            };
            self.open.push(OpenRun { not_before, refusals, ..open });
        }
    }

    /// Makes the partitions of the archive that are missing and says how many; `None` if that failed.
    pub(super) async fn make_partitions(&mut self) -> Option<i32> {
        let store = &self.store;
        let made = self
            .connection
            .ask(async |connection| store.ensure_archive_partitions(connection).await);
        match made.await {
            Ok(made) => {
                tracing::debug!(made, "looked after the partitions of the archive");
                Some(made)
            }
            Err(error) => {
                tracing::error!(error = %crate::error::described(&error), "the partitions of the archive could not be looked after");
                None
            }
        }
    }
}

impl OpenRun {
    fn with(self, transition: Transition) -> Self {
        let run = super::FinishedRun { transition, verify_first: false, ..self.run };
        Self { run, ..self }
    }
}

async fn write(
    store: &Store,
    connection: &mut PgConnection,
    batch: &[OpenRun],
    keep: bool,
) -> sqlx::Result<Vec<Uuid>> {
    let Some(first) = batch.first() else {
        return Ok(Vec::new());
    };
    let worker_id = first.lease().worker_id;
    if first.run.verify_first {
        return Ok(Vec::new());
    }
    match &first.run.transition {
        Transition::Archive { .. } => {
            let done: Vec<_> = batch.iter().filter_map(OpenRun::archived).collect();
            let (finish, careful) = (Finish { done: &done, keep }, first.was_passed_by());
            store.archive_jobs(connection, worker_id, finish, careful).await
        }
        Transition::Retry(_) => {
            let retries: Vec<_> = batch.iter().filter_map(retried).collect();
            store.retry_jobs(connection, worker_id, &retries).await
        }
        Transition::DeadLetter(_) => {
            let dead: Vec<_> = batch.iter().filter_map(dead_lettered).collect();
            store.dead_letter_jobs(connection, worker_id, &dead).await
        }
    }
}

fn retried(open: &OpenRun) -> Option<(Lease, &Retry)> {
    match &open.run.transition {
        Transition::Retry(retry) => Some((open.lease(), retry)),
        Transition::Archive { .. } | Transition::DeadLetter(_) => None,
    }
}

fn dead_lettered(open: &OpenRun) -> Option<(Lease, &DeadLetter)> {
    match &open.run.transition {
        Transition::DeadLetter(letter) => Some((open.lease(), letter)),
        Transition::Archive { .. } | Transition::Retry(_) => None,
    }
}

fn ends(transition: &Transition) -> bool {
    !matches!(transition, Transition::Retry(_))
}

fn is_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("57014"))
}

fn is_missing_partition(error: &sqlx::Error) -> bool {
    // A row for which there is no partition is reported as a failed check, of no constraint.
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("23514") && error.constraint().is_none()
    })
}
