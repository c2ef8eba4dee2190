//! One job's run, as a list of named steps.
//!
//! [`Execution::finish`] is the whole run. [`Execution::outcome`] lists the steps around the handler, and `steps` has
//! each of them. `weigh` turns the outcome into a transition, and `exhausted` tells the handler of a final failure.

mod exhausted;
mod rates;
mod steps;
mod weigh;

use std::{
    any::Any,
    time::{Duration, Instant},
};

use crate::{
    finalize::FinishedRun,
    outcome::{Outcome, Retry, words_of},
    queue::{config::Config, registry::Registered},
    row::{Claim, DEFAULT_MAX_ATTEMPTS, Job},
    stats::Measured,
    store::FetchedJob,
    telemetry,
    worker::Worker,
};
use steps::catching_panics;
use weigh::log;

/// A claimed job with everything that its run needs.
pub(in crate::worker) struct Execution<'w> {
    worker: &'w Worker,
    handler: &'w Registered,
    config: &'w Config,
    /// Boxed because it has some hundred bytes, and this value is moved more than once.
    fetched: Box<FetchedJob>,
    /// Why the payload is not JSON that can be read here, where it is not.
    unreadable: Option<String>,
    /// When the handler must have begun; `None`: the job is under no rate.
    start_by: Option<Instant>,
}

impl<'w> Execution<'w> {
    pub(in crate::worker) fn new(
        worker: &'w Worker,
        handler: &'w Registered,
        config: &'w Config,
        mut fetched: Box<FetchedJob>,
        start_by: Option<Instant>,
    ) -> Self {
        let FetchedJob { job, max_attempts, .. } = &mut *fetched;
        job.max_attempts =
            max_attempts.or(handler.options.max_attempts).unwrap_or(DEFAULT_MAX_ATTEMPTS);
        // A strategy may read the payload.
        let is_looked_into = !handler.handler.reads_stored()
            || handler.handler.strategy().is_some()
            || config.strategy_of(&job.queue).is_some();
        let unreadable = is_looked_into.then(|| job.read_stored().err()).flatten();
        let unreadable = unreadable.map(|error| error.to_string());
        Self { worker, handler, config, fetched, unreadable, start_by }
    }

    /// Runs the job and buffers its outcome for the next write, which needs no permit.
    pub(in crate::worker) async fn run(&self) {
        let job = self.job();
        let mut give_back_on_drop = GiveBackOnDrop(Some(self));
        let span = (job.id, &*job.queue, &*job.kind, job.attempt);
        let run = telemetry::run::handler_span(span, self.finish()).await;
        #[cfg(feature = "testing")]
        self.worker.client.note_run(job, self.claim().run.ran(), &run);
        give_back_on_drop.0 = None;
        self.worker.buffer_outcome(run);
    }

    /// The whole run, up to the transition to write.
    pub(in crate::worker) async fn finish(&self) -> FinishedRun {
        let outcome = match self.refusal() {
            Some(refusal) => refusal,
            None => self.outcome().await,
        };
        if let Some(after) = outcome.rate_limited_for() {
            // Boxed, as all that is rare.
            Box::pin(self.hold_rates(after)).await;
        }
        let measured = self.measured();
        let run = FinishedRun { measured, ..self.weigh(outcome) };
        log(&run);
        self.notify_if_exhausted(run).await
    }

    /// The handler's outcome, and the steps around the handler. Each step is around those above it: it is given the
    /// previous one, and either runs it or returns an outcome of its own. A step around every handler is one line here.
    async fn outcome(&self) -> Outcome {
        let next = || self.handle();
        let next = || self.in_time(next);
        let next = || self.with_permits(next);
        let next = || self.until_abandoned(next);
        let next = || catching_panics(next);
        let next = || self.alone_if_suspect(next);
        next().await
    }

    pub(in crate::worker) fn queue(&self) -> &str {
        &self.job().queue
    }

    fn given_back(&self) -> FinishedRun {
        let Claim { lease, run, .. } = self.claim();
        let waits_anew = run.is_started();
        let transition = Retry { waits_anew, ..Retry::given_back(Duration::ZERO) }.into();
        FinishedRun { transition, ..FinishedRun::given_back(*lease) }
    }

    /// How long the job waited and its handler ran; `None` if the handler was not called, or nothing is counted.
    fn measured(&self) -> Option<Measured> {
        let series = self.fetched.series?;
        let ran = self.claim().run.ran()?;
        let Job { run_at, updated_at, .. } = self.job();
        // Both by the database's clock.
        let waited =
            updated_at.zip(*run_at).and_then(|(claimed, due)| (claimed - due).to_std().ok());
        Some(Measured::new(series, waited.unwrap_or_default(), ran))
    }

    fn job(&self) -> &Job {
        &self.fetched.job
    }

    fn claim(&self) -> &Claim {
        &self.fetched.claim
    }
}

/// Gives the job back on a panic in the library's own code. Without it the row would stay `running` for ever.
struct GiveBackOnDrop<'e>(Option<&'e Execution<'e>>);

impl Drop for GiveBackOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(execution) = self.0 {
            execution.worker.finish(execution.given_back());
        }
    }
}

/// The message of a panic, if it has one.
pub(in crate::worker) fn panicked(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words_of(&format_args!("panicked: {}", message.unwrap_or("without a message")))
}
