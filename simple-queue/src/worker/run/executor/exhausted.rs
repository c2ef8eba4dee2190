//! How a run ended, as it is told to its handler and in the log.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use sqlx::PgConnection;
use tokio::time::timeout;

use super::{Execution, panicked};
use crate::{
    finalize::FinishedRun,
    job::JobStatus,
    outcome::{Transition, words_of},
    row::Job,
};

impl Execution<'_> {
    /// Tells the handler of an end that nobody asked for, unless the process lets go of the job meanwhile.
    pub(super) async fn notify_if_exhausted(&self, run: FinishedRun) -> FinishedRun {
        if is_unasked_end(&run.transition) {
            tokio::select! {
                biased;
                () = self.claim().run.abandoned() => return self.given_back(),
                () = self.notify_exhausted(&run) => {}
            }
        }
        run
    }

    /// Tells the handler that its job has failed for good. What it does then is the user's code: it may
    /// fail, panic or hang, and the job becomes a dead letter all the same.
    async fn notify_exhausted(&self, run: &FinishedRun) {
        const DEADLINE: Duration = Duration::from_secs(30);
        let Transition::DeadLetter(letter) = &run.transition else { return };
        if run.verify_first && !self.is_still_held().await {
            return;
        }
        let error = letter.error.as_deref().unwrap_or(&letter.reason);
        // It says what becomes of it.
        let job = Job { status: letter.status.as_str().to_owned(), ..self.job().clone() };
        let told = async { self.handler.handler.exhausted(&self.worker.client, &job, error).await };
        let told = AssertUnwindSafe(told);
        let problem = match timeout(DEADLINE, told.catch_unwind()).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => words_of(&error),
            Ok(Err(panic)) => panicked(&*panic),
            Err(_) => format!("took longer than {DEADLINE:?}"),
        };
        tracing::error!(problem, "the handler could not be told that its job has failed for good");
    }

    /// Whether the job still runs here: a handler that finished it in a transaction may have committed.
    async fn is_still_held(&self) -> bool {
        let lease = self.claim().lease;
        let read = async |connection: &mut PgConnection| {
            self.worker.store.read_leases(connection, lease.worker_id, &[lease]).await
        };
        match self.worker.client.servers().ask(1, read).await {
            Ok(states) => states.iter().any(|state| state.held),
            Err(error) => {
                tracing::error!(%error, "whether this job has failed for good is not known; its handler is not told");
                false
            }
        }
    }
}

/// Whether the job ends in a way that nobody asked for.
fn is_unasked_end(transition: &Transition) -> bool {
    let Transition::DeadLetter(letter) = transition else { return false };
    matches!(
        letter.status,
        JobStatus::Failed
            | JobStatus::CriticalFailure
            | JobStatus::Unprocessable
            | JobStatus::BadJob
    )
}

/// Says in the log what becomes of a job, where that is known before it is written.
pub(super) fn log(run: &FinishedRun) {
    if run.verify_first {
        return;
    }
    match &run.transition {
        Transition::Archive { .. } => tracing::debug!("done"),
        Transition::Retry(retry) => match &retry.error {
            Some(error) if retry.attempt_kept => {
                tracing::warn!(error, delay = ?retry.delay, "the database undid the run, which will be repeated with its attempt");
            }
            Some(error) => {
                tracing::warn!(error, delay = ?retry.delay, "the attempt failed and will be repeated");
            }
            None => tracing::debug!(delay = ?retry.delay, "goes back to pending"),
        },
        Transition::DeadLetter(letter) => {
            tracing::warn!(status = %letter.status, reason = letter.reason, error = letter.error, "becomes a dead letter");
        }
    }
}
