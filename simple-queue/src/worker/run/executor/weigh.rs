//! What is written of a run, given what it came to.

use std::{panic::AssertUnwindSafe, time::Duration};

use super::{Execution, panicked};
use crate::{
    database::failure::Excuse,
    finalize::FinishedRun,
    job::Backoff,
    outcome::{Attempt, Outcome, Transition},
    worker::run::suspect::SUSPECT_FROM,
};

impl Execution<'_> {
    pub(super) fn weigh(&self, outcome: Outcome) -> FinishedRun {
        let verify_first = self.claim().run.is_finished_in_transaction();
        let outcome = if verify_first {
            // What it did is undone with the transaction in which it was to be finished.
            outcome.excused(&[Excuse::RolledBack, Excuse::Lost])
        } else {
            outcome
        };
        let outcome = if verify_first && outcome.is_complete() {
            // Written only if the job turns out not to be finished after all.
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
        FinishedRun { lease: self.claim().lease, transition, verify_first }
    }

    /// The wait after this attempt. A custom back-off is the user's code, and may panic.
    fn backoff(&self) -> Duration {
        let backoff = match self.handler.options.backoff {
            Some(backoff) => backoff,
            None => self.config.backoff_of(&self.job().queue),
        };
        let attempt = self.job().attempt;
        std::panic::catch_unwind(AssertUnwindSafe(|| backoff.delay(attempt))).unwrap_or_else(
            |panic| {
                let panic = panicked(&*panic);
                tracing::error!(panic, attempt, "the back-off panicked; the default is used");
                Backoff::default().delay(attempt)
            },
        )
    }
}
