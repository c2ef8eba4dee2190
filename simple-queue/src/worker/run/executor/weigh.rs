//! Turns the outcome of a run into the transition to write.

use std::{panic::AssertUnwindSafe, time::Duration};

use super::{Execution, panicked};
use crate::{
    database::failure::Excuse,
    finalize::FinishedRun,
    job::Backoff,
    outcome::{Attempt, Outcome, Transition},
    telemetry,
    worker::run::suspect::SUSPECT_FROM,
};

impl Execution<'_> {
    pub(super) fn weigh(&self, outcome: Outcome) -> FinishedRun {
        let verify_first = self.claim().run.is_finished_in_transaction();
        let outcome = if verify_first {
            // The run's work was rolled back with the transaction in which the job was to be finished.
            outcome.excused(&[Excuse::RolledBack, Excuse::Lost])
        } else {
            outcome
        };
        let outcome = if verify_first && outcome.is_complete() {
            // Written only if the job turns out not to be finished.
            let error = "finished the job in a transaction that was not committed";
            Outcome::attempt_failed(error.to_owned())
        } else {
            outcome
        };
        let attempt = Attempt {
            number: self.job().attempt,
            max_attempts: self.job().max_attempts,
            reprocess_count: self.claim().reprocess_count,
            max_reprocess_count: self.config.max_reprocess_count,
            cancel_requested: self.claim().run.is_cancelled(),
        };
        let mut transition = outcome.transition(&attempt, || self.backoff());
        if let Transition::Retry(retry) = &mut transition {
            let is_started = self.claim().run.is_started();
            retry.waits_anew |= is_started;
            retry.survived = is_started && self.claim().crash_count >= SUSPECT_FROM;
        }
        let given_back = FinishedRun::given_back(self.claim().lease);
        FinishedRun { transition, verify_first, ..given_back }
    }

    /// The delay after this attempt. A custom back-off is the user's code, and may panic.
    fn backoff(&self) -> Duration {
        let backoff = match self.handler.options.backoff {
            Some(backoff) => backoff,
            None => self.config.backoff_of(&self.job().queue),
        };
        let attempt = self.job().attempt;
        std::panic::catch_unwind(AssertUnwindSafe(|| backoff.delay(attempt))).unwrap_or_else(
            |panic| {
                let panic = panicked(&*panic);
                telemetry::run::backoff_panicked(&panic, attempt);
                Backoff::default().delay(attempt)
            },
        )
    }
}

/// Logs the transition of a run, where it is known before it is written.
pub(super) fn log(run: &FinishedRun) {
    if run.verify_first {
        return;
    }
    match &run.transition {
        Transition::Archive { .. } => telemetry::run::completed(),
        Transition::Retry(retry) => match &retry.error {
            Some(error) if retry.attempt_kept => {
                telemetry::run::attempt_rolled_back(error, retry.delay);
            }
            Some(error) => {
                telemetry::run::attempt_failed(error, retry.delay);
            }
            None => telemetry::run::given_back(retry.delay),
        },
        Transition::DeadLetter(letter) => {
            telemetry::run::dead_lettered(&letter.status, &letter.reason, letter.error.as_deref());
        }
    }
}
