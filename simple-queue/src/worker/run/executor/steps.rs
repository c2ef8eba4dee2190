//! The steps around a handler. Each is given the next inner step. None of them allocates for an ordinary job.

use std::{panic::AssertUnwindSafe, pin::pin, sync::atomic::Ordering, time::Duration};

use futures_util::FutureExt;
use tokio::time::timeout;

use super::{Execution, panicked};
use crate::{
    jitter,
    outcome::Outcome,
    queue::{
        handler::HandlerFuture,
        strategy::{JobStrategy, JobStrategyError, Permit},
    },
    telemetry,
    worker::run::suspect::SUSPECT_FROM,
};

/// About 1 s until a suspect that cannot run now is offered again. Without jitter, all jobs that were in one crash
/// would come back together, and only one of them would run each time.
const PAUSE_OF_A_SUSPECT: Duration = Duration::from_secs(1);

impl Execution<'_> {
    /// Why the job is not started at all, where it is not.
    pub(super) fn refusal(&self) -> Option<Outcome> {
        // The process may have lost its right to the job before the job started.
        if self.claim().run.is_abandoned() {
            return Some(Outcome::given_back());
        }
        #[cfg(feature = "testing")]
        if !self.worker.client.may_start_another() {
            return Some(Outcome::given_back());
        }
        if let Some(problem) = &self.unreadable {
            return Some(Outcome::unprocessable(format!("the payload cannot be read: {problem}")));
        }
        self.claim().expired.then(Outcome::expired)
    }

    /// A suspect runs while no other suspect runs in this process.
    pub(super) async fn alone_if_suspect<F: Future<Output = Outcome>>(
        &self,
        next: impl FnOnce() -> F,
    ) -> Outcome {
        if self.claim().crash_count < SUSPECT_FROM {
            return next().await;
        }
        let worker_id = self.claim().lease.worker_id;
        // Boxed, because the future of an exchange has several kilobytes, and those of all runs would have its size.
        let admitted = Box::pin(self.worker.suspects.admit(worker_id, self.job().id));
        let Some(permit) = admitted.await else {
            return Outcome::given_back_for(jitter::around(PAUSE_OF_A_SUSPECT, 0.5));
        };
        let outcome = next().await;
        Box::pin(permit.clear()).await;
        // More suspects may be waiting.
        self.worker.suspects_wait.store(true, Ordering::Release);
        self.worker.client.wake().wake_local();
        outcome
    }

    /// Drops the run when the process abandons its job, and some time after a cancellation was requested.
    pub(super) async fn until_abandoned<F: Future<Output = Outcome>>(
        &self,
        next: impl FnOnce() -> F,
    ) -> Outcome {
        let run = &self.claim().run;
        let cancelled = async {
            run.cancelled().await;
            tokio::time::sleep(self.config.cancel_grace).await;
        };
        tokio::select! {
            biased;
            outcome = next() => outcome,
            () = run.abandoned() => Outcome::given_back(),
            () = cancelled => Outcome::cancelled("it went on after its cancellation and was dropped"),
        }
    }

    /// Holds the permits of the user's own strategies during the run: first the queue's, then the handler's.
    pub(super) async fn with_permits<F: Future<Output = Outcome>>(
        &self,
        next: impl FnOnce() -> F,
    ) -> Outcome {
        let of_queue = self.config.strategy_of(&self.job().queue);
        let of_handler = self.handler.handler.strategy();
        if of_queue.is_none() && of_handler.is_none() {
            return next().await;
        }
        match self.acquire_permits(of_queue, of_handler).await {
            Ok(_permits) => next().await,
            Err(refused) => refused,
        }
    }

    async fn acquire_permits(
        &self,
        of_queue: Option<&dyn JobStrategy>,
        of_handler: Option<&dyn JobStrategy>,
    ) -> Result<Vec<Permit>, Outcome> {
        telemetry::run::permit_span(async {
            let patience = self.config.permit_patience;
            let acquire = async {
                let mut permits = Vec::new();
                for strategy in of_queue.into_iter().chain(of_handler) {
                    permits.push(strategy.acquire(self.job()).await?);
                }
                Ok(permits)
            };
            let answer = tokio::select! {
                biased;
                answer = acquire => answer,
                () = tokio::time::sleep(patience) => return Err(Outcome::given_back_for(patience)),
                // A job that has not begun when the process stops is left to other workers.
                () = self.worker.stopping.cancelled() => return Err(Outcome::given_back()),
            };
            answer.map_err(|refusal| match refusal {
                JobStrategyError::CancelJob => Outcome::cancelled("its strategy cancelled it"),
                JobStrategyError::TryAfter(delay) => {
                    Outcome::snoozed(delay.to_std().unwrap_or(Duration::ZERO))
                }
                JobStrategyError::Retry => {
                    Outcome::attempt_failed("its strategy asked for another attempt".to_owned())
                }
                JobStrategyError::MarkCompleted => Outcome::completed(),
            })
        })
        .await
    }

    /// Starts the run if its token still counts, and drops it after its timeout.
    pub(super) async fn in_time<F: Future<Output = Outcome>>(
        &self,
        next: impl FnOnce() -> F,
    ) -> Outcome {
        if self.is_past_its_token() {
            return Outcome::given_back();
        }
        self.claim().run.start();
        let run = next();
        let Some(limit) = self.claim().timeout.or(self.handler.options.timeout) else {
            return run.await;
        };
        let mut run = pin!(run);
        let mut left = limit;
        // The time that the run waits for the connection of its transaction does not count.
        while !left.is_zero() {
            if let Ok(outcome) = timeout(left, &mut run).await {
                return outcome;
            }
            let worked = self.claim().run.worked().unwrap_or(limit);
            left = limit.saturating_sub(worked);
        }
        Outcome::attempt_failed(format!("took longer than its timeout of {limit:?}"))
    }

    /// The innermost step: the handler itself.
    pub(super) fn handle(&self) -> HandlerFuture<'_, Outcome> {
        self.handler.handler.run(&self.worker.client, self.job())
    }
}

/// Turns a panic into a failed attempt.
pub(super) async fn catching_panics<F: Future<Output = Outcome>>(
    next: impl FnOnce() -> F,
) -> Outcome {
    let caught = AssertUnwindSafe(async { next().await }).catch_unwind().await;
    caught.unwrap_or_else(|panic| Outcome::attempt_failed(panicked(&*panic)))
}
