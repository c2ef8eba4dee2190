//! Stage 6: the handler interface.

use std::{fmt, marker::PhantomData, pin::Pin, sync::Arc, time::Duration};

use super::{JobContext, SimpleQueue, strategy::JobStrategy};
use crate::{
    job::{BoxDynError, JobOptions, JobPayload, JobResult},
    outcome::{IntoOutcome, Outcome},
    row::{Job, Unread, read_payload},
    telemetry,
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
    /// The queue that the handler serves.
    const QUEUE: &'static str;

    /// Other queues that the handler serves too.
    const ALSO_ON: &'static [&'static str] = &[];

    /// The kind of job that the handler runs. `None`: every kind of its queue that has no handler
    /// of its own.
    const KIND: Option<&'static str> = None;

    /// Other kinds that the handler runs too.
    const ALIASES: &'static [&'static str] = &[];

    /// Attempts, back-off and timeout of its jobs, for jobs that set none themselves.
    const OPTIONS: JobOptions = JobOptions::new();

    /// Runs a job once and returns its outcome.
    ///
    /// An error, a panic or a timeout uses up the attempt; the next attempt follows after the
    /// back-off. A [`JobError`](crate::JobError) can choose another outcome.
    ///
    /// # Cancel safety
    /// The future is dropped at an `.await` in these cases: the job is cancelled and its grace is
    /// over; its timeout elapses; the process stops and its deadline is over; or the process has
    /// missed heartbeats for so long that others are about to take its jobs over. Delivery is at
    /// least once, so the work must be safe to repeat.
    fn process(
        &self,
        queue: &SimpleQueue,
        job: &Job,
    ) -> impl Future<Output = Result<JobResult, BoxDynError>> + Send;

    /// Returns the handler's own strategy, which applies after the queue's; none by default.
    fn strategy(&self) -> Option<&dyn JobStrategy> {
        None
    }

    /// Runs before a job becomes a dead letter that nothing asked for: it has `failed` with its
    /// last attempt, is a `critical_failure`, is `unprocessable`, or is a `bad_job` that was put
    /// off too often. [`Job::status`] has the status. After a crash in between the job runs again,
    /// and this is called again.
    ///
    /// It is not called for a job that is cancelled or expires, nor for a `bad_job` that killed its
    /// processes: running any code for such a job may kill again. Look for those in the dead
    /// letters.
    ///
    /// # Errors
    /// An error is logged; the job becomes a dead letter all the same.
    fn exhausted(
        &self,
        queue: &SimpleQueue,
        job: &Job,
        error: &str,
    ) -> impl Future<Output = Result<(), BoxDynError>> + Send {
        let _ = (queue, job, error);
        std::future::ready(Ok(()))
    }

    /// Whether the handler reads the payload from the stored text. Then [`Job::job_data`] is not
    /// built.
    #[doc(hidden)]
    const READS_STORED: bool = false;

    /// Whether each run takes a connection of the queue's pool.
    #[doc(hidden)]
    const IN_TRANSACTION: bool = false;

    /// Runs a job like [`Handler::process`] and returns a full outcome.
    #[doc(hidden)]
    fn run(&self, queue: &SimpleQueue, job: &Job) -> impl Future<Output = Outcome> + Send {
        async { self.process(queue, job).await.into_outcome(|error| error.downcast_ref()) }
    }
}

/// An entry of `jobs![…]`: the struct of a `#[job]`, or the one that `#[handler]` writes for a job
/// that is declared elsewhere.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "not a struct that `#[job]` writes for a function",
    note = "`#[job]` on `async fn send_welcome` makes the job `SendWelcome`"
)]
pub trait JobHandler: 'static {
    /// The payload of the job that it runs.
    type Payload: JobPayload;
}

#[diagnostic::do_not_recommend]
impl<J: JobPayload> JobHandler for J {
    type Payload = J;
}

/// Runs a declared job with a state `S`; `#[job]` and `#[handler]` write the impl.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job that can run with the state `{S}`",
    label = "not a job with this state",
    note = "`#[job]` on `async fn send_welcome` makes the job `SendWelcome`",
    note = "list the handler of a struct that derives `Job`: `#[handler]` on `async fn send_welcome` makes `SendWelcomeHandler`"
)]
pub trait TypedHandler<S>: JobHandler {
    /// The job's own strategy; see [`JobStrategy`].
    const STRATEGY: Option<&'static dyn JobStrategy> = None;

    /// Whether each run takes a connection of the queue's pool, for its transaction.
    #[doc(hidden)]
    const IN_TRANSACTION: bool = false;

    /// Runs the job once.
    fn run(
        job: Self::Payload,
        state: &S,
        context: &JobContext,
    ) -> impl Future<Output = Outcome> + Send;

    /// Runs when the job has failed for good, like [`Handler::exhausted`]; [`JobContext::status`]
    /// has the status. It is not called if the payload cannot be read.
    ///
    /// # Errors
    /// An error is logged; the job becomes a dead letter all the same.
    fn exhausted(
        job: Self::Payload,
        context: &JobContext,
        error: &str,
    ) -> impl Future<Output = Result<(), BoxDynError>> + Send {
        let _ = (job, context, error);
        std::future::ready(Ok(()))
    }
}

/// A declared job with the state it runs with: a [`Handler`].
pub struct StatefulHandler<H, S> {
    state: Arc<S>,
    handler: PhantomData<fn() -> H>,
}

impl<H: TypedHandler<S>, S: Send + Sync + 'static> StatefulHandler<H, S> {
    /// Creates the handler of a job with this state.
    pub fn new(state: Arc<S>) -> Self {
        Self { state, handler: PhantomData }
    }
}

impl<H, S> fmt::Debug for StatefulHandler<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatefulHandler").finish_non_exhaustive()
    }
}

impl<H: TypedHandler<S>, S: Send + Sync + 'static> Handler for StatefulHandler<H, S> {
    const QUEUE: &'static str = H::Payload::QUEUE;
    const KIND: Option<&'static str> = Some(H::Payload::KIND);
    const ALIASES: &'static [&'static str] = H::Payload::ALIASES;
    const OPTIONS: JobOptions = H::Payload::OPTIONS;
    const READS_STORED: bool = true;
    const IN_TRANSACTION: bool = H::IN_TRANSACTION;

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        Handler::run(self, queue, job).await.into_job_result()
    }

    fn strategy(&self) -> Option<&dyn JobStrategy> {
        H::STRATEGY
    }

    async fn exhausted(
        &self,
        queue: &SimpleQueue,
        job: &Job,
        error: &str,
    ) -> Result<(), BoxDynError> {
        // `on_exhausted` takes the payload, and this one could not be read.
        let Ok(payload) = read::<H::Payload>(job) else { return Ok(()) };
        H::exhausted(payload, &JobContext::new(queue, job), error).await
    }

    async fn run(&self, queue: &SimpleQueue, job: &Job) -> Outcome {
        match read::<H::Payload>(job) {
            Ok(payload) => H::run(payload, &self.state, &JobContext::new(queue, job)).await,
            Err(outcome) => outcome,
        }
    }
}

/// 10 s, the delay of a job that a later build stored, until a process of that build fetches it.
const WAIT_FOR_NEWER_BUILD: Duration = Duration::from_secs(10);

/// Reads the payload of a job before its run.
fn read<J: JobPayload>(job: &Job) -> Result<J, Outcome> {
    read_payload(job).map_err(|unread| match unread {
        Unread::OfNewerBuild => {
            // During a deploy both builds work, and the job is not at fault.
            telemetry::queue::later_version_found(job.version, J::VERSION);
            Outcome::given_back_for(WAIT_FOR_NEWER_BUILD)
        }
        Unread::Unfit(problem) => Outcome::unprocessable(problem),
    })
}

/// A handler with its type erased, as the registry holds it.
pub(crate) trait DynHandler: Send + Sync {
    fn run<'h>(&'h self, queue: &'h SimpleQueue, job: &'h Job) -> HandlerFuture<'h, Outcome>;
    fn exhausted<'h>(
        &'h self,
        queue: &'h SimpleQueue,
        job: &'h Job,
        error: &'h str,
    ) -> HandlerFuture<'h, Result<(), BoxDynError>>;
    fn strategy(&self) -> Option<&dyn JobStrategy>;
    fn reads_stored(&self) -> bool;
}

pub(crate) type HandlerFuture<'h, T> = Pin<Box<dyn Future<Output = T> + Send + 'h>>;

impl<H: Handler> DynHandler for H {
    fn run<'h>(&'h self, queue: &'h SimpleQueue, job: &'h Job) -> HandlerFuture<'h, Outcome> {
        Box::pin(Handler::run(self, queue, job))
    }

    fn exhausted<'h>(
        &'h self,
        queue: &'h SimpleQueue,
        job: &'h Job,
        error: &'h str,
    ) -> HandlerFuture<'h, Result<(), BoxDynError>> {
        Box::pin(Handler::exhausted(self, queue, job, error))
    }

    fn strategy(&self) -> Option<&dyn JobStrategy> {
        Handler::strategy(self)
    }

    fn reads_stored(&self) -> bool {
        H::READS_STORED
    }
}
