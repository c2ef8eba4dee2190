//! Stage 6: what runs a job.

use std::{fmt, marker::PhantomData, pin::Pin, sync::Arc};

use super::{JobContext, SimpleQueue};
use crate::{
    job::{BoxDynError, JobOptions, JobPayload, JobResult},
    outcome::{IntoOutcome, Outcome},
    row::Job,
};

/// Runs the jobs of a queue: the plain interface, without macros.
///
/// ```
/// use simple_queue::prelude::*;
///
/// struct Greeter;
///
/// impl Handler for Greeter {
///     const QUEUE: &'static str = "greetings";
///
///     async fn process(&self, _queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
///         println!("hello {}", job.job_data["name"]);
///         Ok(JobResult::Success)
///     }
/// }
/// ```
pub trait Handler: Send + Sync + 'static {
    /// The queue it serves.
    const QUEUE: &'static str;

    /// The kind of job it runs; `None`: every kind of its queue that has no handler of its own.
    const KIND: Option<&'static str> = None;

    /// Other kinds that it runs too.
    const ALIASES: &'static [&'static str] = &[];

    /// Attempts, back-off and timeout of its jobs, where they do not say themselves.
    const OPTIONS: JobOptions = JobOptions::new();

    /// Runs a job once and says what becomes of it.
    ///
    /// An error, a panic or the end of its timeout use up the attempt; the next one follows after the
    /// back-off. A [`JobError`](crate::JobError) can say otherwise.
    ///
    /// # Cancel safety
    /// The future is dropped at an `.await` when the job is cancelled and its grace is over, when its
    /// time is up, when the process stops and its deadline is over, or when it could not beat for so long
    /// that others are about to take its jobs over. Delivery is at least once: what
    /// it does must bear being done again.
    fn process(
        &self,
        queue: &SimpleQueue,
        job: &Job,
    ) -> impl Future<Output = Result<JobResult, BoxDynError>> + Send;

    /// As [`Handler::process`], with all that an outcome can hold.
    #[doc(hidden)]
    fn run(&self, queue: &SimpleQueue, job: &Job) -> impl Future<Output = Outcome> + Send {
        async { self.process(queue, job).await.into_outcome(|error| error.downcast_ref()) }
    }
}

/// Runs a declared job with a state `S`; `#[job]` writes the impl.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job that can run with the state `{S}`",
    label = "not a job with this state",
    note = "`#[job]` on `async fn send_welcome` makes the job `SendWelcome`"
)]
pub trait TypedHandler<S>: JobPayload {
    /// Runs the job once.
    fn run(self, state: &S, context: &JobContext) -> impl Future<Output = Outcome> + Send;
}

/// A declared job together with the state it runs with: a [`Handler`].
pub struct Typed<J, S> {
    state: Arc<S>,
    job: PhantomData<fn() -> J>,
}

impl<J: TypedHandler<S>, S: Send + Sync + 'static> Typed<J, S> {
    /// Runs jobs `J` with this state.
    pub fn new(state: Arc<S>) -> Self {
        Self { state, job: PhantomData }
    }
}

impl<J, S> fmt::Debug for Typed<J, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").finish_non_exhaustive()
    }
}

impl<J: TypedHandler<S>, S: Send + Sync + 'static> Handler for Typed<J, S> {
    const QUEUE: &'static str = J::QUEUE;
    const KIND: Option<&'static str> = Some(J::KIND);
    const ALIASES: &'static [&'static str] = J::ALIASES;
    const OPTIONS: JobOptions = J::OPTIONS;

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        Handler::run(self, queue, job).await.into_job_result()
    }

    async fn run(&self, queue: &SimpleQueue, job: &Job) -> Outcome {
        match J::deserialize(&job.job_data) {
            Ok(payload) => payload.run(&self.state, &JobContext::new(queue, job)).await,
            Err(error) => {
                Outcome::unprocessable(format!("the payload does not fit `{}`: {error}", J::KIND))
            }
        }
    }
}

/// A handler whose type has been forgotten, as the registry keeps it.
pub(crate) trait DynHandler: Send + Sync {
    fn run<'h>(&'h self, queue: &'h SimpleQueue, job: &'h Job) -> RunFuture<'h>;
    fn options(&self) -> JobOptions;
}

pub(crate) type RunFuture<'h> = Pin<Box<dyn Future<Output = Outcome> + Send + 'h>>;

impl<H: Handler> DynHandler for H {
    fn run<'h>(&'h self, queue: &'h SimpleQueue, job: &'h Job) -> RunFuture<'h> {
        Box::pin(Handler::run(self, queue, job))
    }

    fn options(&self) -> JobOptions {
        H::OPTIONS
    }
}
