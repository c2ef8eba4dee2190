//! Tells a handler that its job has failed for good.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use sqlx::PgConnection;
use tokio::time::timeout;

use super::{Execution, panicked};
use crate::{
    database::failure::described,
    finalize::FinishedRun,
    job::JobStatus,
    outcome::{Transition, words_of},
    row::Job,
    telemetry,
};

impl Execution<'_> {
    /// Tells the handler of a final failure, unless the process abandons the job in the meantime.
    pub(super) async fn notify_if_exhausted(&self, run: FinishedRun) -> FinishedRun {
        if is_unasked_end(&run.transition) {
            tokio::select! {
                biased;
                () = self.claim().run.abandoned() => return self.given_back(),
                // Boxed, because it is rare, and the future of every run would have its size.
                () = Box::pin(self.notify_exhausted(&run)) => {}
            }
        }
        run
    }

    /// Tells the handler that its job has failed for good. The user's code then runs: it may fail, panic or hang, and
    /// the job becomes a dead letter all the same.
    async fn notify_exhausted(&self, run: &FinishedRun) {
        const DEADLINE: Duration = Duration::from_secs(30);
        let Transition::DeadLetter(letter) = &run.transition else { return };
        if run.verify_first && !self.is_still_held().await {
            return;
        }
        let error = letter.error.as_deref().unwrap_or(&letter.reason);
        // The handler sees the status that the job gets.
        let job = Job { status: letter.status.as_str().to_owned(), ..self.job().clone() };
        let told = async { self.handler.handler.exhausted(&self.worker.client, &job, error).await };
        let told = AssertUnwindSafe(told);
        let problem = match timeout(DEADLINE, told.catch_unwind()).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => words_of(&error),
            Ok(Err(panic)) => panicked(&*panic),
            Err(_) => format!("took longer than {DEADLINE:?}"),
        };
        telemetry::run::on_exhausted_failed(&problem);
    }

    /// Returns whether this run still holds the job. A handler that finished it in a transaction may have committed.
    async fn is_still_held(&self) -> bool {
        let lease = self.claim().lease;
        let read = async |connection: &mut PgConnection| {
            self.worker.store.read_leases(connection, lease.worker_id, &[lease]).await
        };
        match self.worker.client.servers().ask(1, read).await {
            Ok(states) => states.iter().any(|state| state.held),
            Err(error) => {
                telemetry::run::on_exhausted_skipped(&described(&error));
                false
            }
        }
    }
}

/// Returns whether the job ends as a failure, and not because it was cancelled or has expired.
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
