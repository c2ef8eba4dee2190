//! The steps around a handler. Each is given the next one inwards, and nothing of a run is allocated for it.

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
    worker::run::suspect::SUSPECT_FROM,
};

/// About 1 s until a suspect that cannot run now is looked at again: all that died together would otherwise come back
/// together, and one of them run each time.
const PAUSE_OF_A_SUSPECT: Duration = Duration::from_secs(1);

impl Execution<'_> {
    /// Why the job is not started at all.
    pub(super) fn refusal(&self) -> Option<Outcome> {
        // While it waited to be started the process may have lost the right to it.
        if self.claim().run.is_abandoned() {
            return Some(Outcome::given_back());
        }
        if let Some(problem) = &self.unreadable {
            return Some(Outcome::unprocessable(format!("the payload cannot be read: {problem}")));
        }
        self.claim().expired.then(Outcome::expired)
    }

    /// A job that has killed processes runs while no other such job does.
    pub(super) async fn alone_if_suspect<F: Future<Output = Outcome>>(
        &self,
        next: impl FnOnce() -> F,
    ) -> Outcome {
        if self.claim().crash_count < SUSPECT_FROM {
            return next().await;
        }
        let worker_id = self.claim().lease.worker_id;
        let Some(permit) = self.worker.suspects.admit(worker_id, self.job().id).await else {
            return Outcome::given_back_for(jitter::around(PAUSE_OF_A_SUSPECT, 0.5));
        };
        let outcome = next().await;
        permit.clear().await;
        // There may be more of them.
        self.worker.suspects_wait.store(true, Ordering::Release);
        self.worker.client.wake().wake_local();
        outcome
    }

    /// The run is dropped when the process lets go of its job, and some time after its cancellation was asked for.
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

    /// The permits by the user's own rules are held during the run: first the queue's, then the handler's.
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

    #[tracing::instrument(name = "permit", level = "debug", skip_all)]
    async fn acquire_permits(
        &self,
        of_queue: Option<&dyn JobStrategy>,
        of_handler: Option<&dyn JobStrategy>,
    ) -> Result<Vec<Permit>, Outcome> {
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
            // What has not begun when the process stops is left to others.
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
    }

    /// The run begins here, and is dropped after its timeout.
    pub(super) async fn in_time<F: Future<Output = Outcome>>(
        &self,
        next: impl FnOnce() -> F,
    ) -> Outcome {
        self.claim().run.start();
        let run = next();
        let Some(limit) = self.claim().timeout.or(self.handler.options.timeout) else {
            return run.await;
        };
        let mut run = pin!(run);
        let mut left = limit;
        // The wait for the connection of its transaction is no part of it.
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

/// A panic is an attempt that failed.
pub(super) async fn catching_panics<F: Future<Output = Outcome>>(
    next: impl FnOnce() -> F,
) -> Outcome {
    let caught = AssertUnwindSafe(async { next().await }).catch_unwind().await;
    caught.unwrap_or_else(|panic| Outcome::attempt_failed(panicked(&*panic)))
}
