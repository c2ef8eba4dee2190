//! One job's run, as a list of named steps:
//!
//! `readable, not expired → alone, if suspect → permitted → handled → weighed → told, if exhausted →
//! handed to finalize`

mod told;

use std::{any::Any, panic::AssertUnwindSafe, pin::pin, sync::atomic::Ordering, time::Duration};

use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::Instrument;

use super::suspect::SUSPECT_FROM;
use crate::{
    database::failure::Excuse,
    finalize::FinishedRun,
    job::Backoff,
    outcome::{Attempt, Outcome, Retry, Transition, words_of},
    queue::{
        config::Config,
        registry::Registered,
        strategy::{JobStrategy, JobStrategyError, Permit},
    },
    row::{Claim, DEFAULT_MAX_ATTEMPTS, Job},
    store::FetchedJob,
    worker::Worker,
};
use told::{is_unasked_end, tell};

/// A claimed job with everything its run needs.
pub(in crate::worker) struct Execution<'w> {
    worker: &'w Worker,
    handler: &'w Registered,
    config: &'w Config,
    /// Some hundred bytes, and this value is moved more than once.
    fetched: Box<FetchedJob>,
    /// Why the payload is no JSON that can be read here, where it is not.
    unreadable: Option<String>,
}

/// How long a suspect that cannot run now waits before anybody looks at it again: about so long, or all
/// that died together would come back together, and one of them run each time.
const PAUSE_OF_A_SUSPECT: Duration = Duration::from_secs(1);

impl<'w> Execution<'w> {
    pub(in crate::worker) fn new(
        worker: &'w Worker,
        handler: &'w Registered,
        config: &'w Config,
        mut fetched: Box<FetchedJob>,
    ) -> Self {
        let FetchedJob { job, max_attempts, .. } = &mut *fetched;
        job.max_attempts =
            max_attempts.or(handler.options.max_attempts).unwrap_or(DEFAULT_MAX_ATTEMPTS);
        // A strategy may look into the payload.
        let is_looked_into = !handler.handler.reads_stored()
            || handler.handler.strategy().is_some()
            || config.strategy_of(&job.queue).is_some();
        let unreadable = is_looked_into.then(|| job.read_stored().err()).flatten();
        let unreadable = unreadable.map(|error| error.to_string());
        Self { worker, handler, config, fetched, unreadable }
    }

    /// Runs it, and puts what it came to where the next write, which needs no permit, takes it from.
    pub(in crate::worker) async fn run(&self) {
        let job = self.job();
        let span = tracing::info_span!(
            "handler",
            job.id = %job.id,
            job.queue = job.queue,
            job.kind = job.kind,
            job.attempt = job.attempt,
        );
        let mut ending = Ending(Some(self));
        let run = async {
            let run = self.weigh(self.readable().await);
            if is_unasked_end(&run.transition) {
                tokio::select! {
                    biased;
                    () = self.claim().run.abandoned() => return self.given_back(),
                    () = self.tell_exhausted(&run) => {}
                }
            }
            run
        };
        let run = run.instrument(span).await;
        ending.0 = None;
        self.worker.put_out(run);
    }

    pub(in crate::worker) fn queue(&self) -> &str {
        &self.job().queue
    }

    async fn readable(&self) -> Outcome {
        // While it waited to be started the process may have lost the right to it.
        if self.claim().run.is_abandoned() {
            return Outcome::given_back();
        }
        match &self.unreadable {
            Some(problem) => {
                Outcome::unprocessable(format!("the payload cannot be read: {problem}"))
            }
            None if self.claim().expired => Outcome::expired(),
            None => self.alone_if_suspect().await,
        }
    }

    async fn alone_if_suspect(&self) -> Outcome {
        if self.claim().crash_count < SUSPECT_FROM {
            return self.caught().await;
        }
        let worker_id = self.claim().lease.worker_id;
        match self.worker.suspects.admit(worker_id, self.job().id).await {
            Some(permit) => {
                let outcome = self.caught().await;
                permit.acquit().await;
                // There may be more of them.
                self.worker.suspects_wait.store(true, Ordering::Release);
                self.worker.queue.wake().wake_local();
                outcome
            }
            None => Outcome::given_back_for(PAUSE_OF_A_SUSPECT.mul_f64(0.5 + fastrand::f64())),
        }
    }

    async fn caught(&self) -> Outcome {
        match AssertUnwindSafe(self.interruptible()).catch_unwind().await {
            Ok(outcome) => outcome,
            Err(panic) => Outcome::attempt_failed(panicked(&*panic)),
        }
    }

    async fn interruptible(&self) -> Outcome {
        let run = &self.claim().run;
        let cancelled = async {
            run.cancelled().await;
            tokio::time::sleep(self.config.cancel_grace).await;
        };
        tokio::select! {
            biased;
            outcome = self.permitted() => outcome,
            () = run.abandoned() => Outcome::given_back(),
            () = cancelled => Outcome::cancelled("it went on after its cancellation and was dropped"),
        }
    }

    async fn permitted(&self) -> Outcome {
        let of_queue = self.config.strategy_of(&self.job().queue);
        let of_handler = self.handler.handler.strategy();
        if of_queue.is_none() && of_handler.is_none() {
            return self.timed().await;
        }
        match self.acquire_permit(of_queue, of_handler).await {
            Ok(_permits) => self.timed().await,
            Err(refused) => refused,
        }
    }

    /// The permits by the user's own rules: first the queue's, then the handler's.
    #[tracing::instrument(name = "permit", level = "debug", skip_all)]
    async fn acquire_permit(
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

    async fn timed(&self) -> Outcome {
        self.claim().run.start();
        let handler = self.handler.handler.run(&self.worker.queue, self.job());
        let Some(limit) = self.claim().timeout.or(self.handler.options.timeout) else {
            return handler.await;
        };
        let mut handler = pin!(handler);
        let mut left = limit;
        // The wait for the connection of its transaction is no part of it.
        while !left.is_zero() {
            if let Ok(outcome) = timeout(left, &mut handler).await {
                return outcome;
            }
            let worked = self.claim().run.worked().unwrap_or(limit);
            left = limit.saturating_sub(worked);
        }
        Outcome::attempt_failed(format!("took longer than its timeout of {limit:?}"))
    }

    fn weigh(&self, outcome: Outcome) -> FinishedRun {
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
        if !verify_first {
            tell(&transition);
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

    fn given_back(&self) -> FinishedRun {
        let Claim { lease, run, .. } = self.claim();
        let waits_anew = run.is_started();
        let transition = Retry { waits_anew, ..Retry::given_back(Duration::ZERO) }.into();
        FinishedRun { transition, ..FinishedRun::given_back(*lease) }
    }

    fn job(&self) -> &Job {
        &self.fetched.job
    }

    fn claim(&self) -> &Claim {
        &self.fetched.claim
    }
}

/// Gives a job back when something panicked that should not have: one whose end nobody writes would be
/// running for ever.
struct Ending<'e>(Option<&'e Execution<'e>>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if let Some(execution) = self.0 {
            execution.worker.finish(execution.given_back());
        }
    }
}

/// What a panic said, if it said it in words.
pub(in crate::worker) fn panicked(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words_of(&format_args!("panicked: {}", message.unwrap_or("without a message")))
}
