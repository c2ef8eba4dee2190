//! Runs one job without a database.

use std::{
    any::Any, marker::PhantomData, ops::Deref, panic::AssertUnwindSafe, pin::Pin, pin::pin,
    sync::Arc, time::Duration,
};

use futures_util::FutureExt;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use super::{Run, TestContext};
use crate::{
    BoxDynError, JobContext,
    enqueue::validate,
    finalize::FinishedRun,
    job::JobPayload,
    outcome::Outcome,
    queue::{
        JobHandler, StatefulHandler, TypedHandler, observed::ObservedRun, registry::Registry,
        strategy::JobStrategy,
    },
    row::{Job, NewJob, Unread, read_payload},
    store::FetchedJob,
    worker::run_alone,
};

/// Runs a job by itself, without a database.
pub trait RunJob: JobPayload {
    /// Runs the function of this job once, with the steps of every run: its arguments are written
    /// and read back, a panic is caught, the timeout holds, and the outcome is weighed with the
    /// attempts that are left. Nothing is stored.
    ///
    /// ```
    /// # use simple_queue::{prelude::*, testing::{Outcome, RunJob}};
    /// # #[derive(JobState)]
    /// # struct App { mailer: Mailer }
    /// # struct Mailer;
    /// # impl App { fn fake() -> Self { Self { mailer: Mailer } } }
    /// # #[job(retries = 2, backoff = fixed("10s", jitter = 0))]
    /// # async fn send_welcome(mailer: &Mailer, user_id: i64) {}
    /// # async fn example() {
    /// let run = SendWelcome::new(42).run(&App::fake()).attempt(3).await;
    /// assert_eq!(run.outcome, Outcome::Completed);
    /// # }
    /// ```
    ///
    /// What the function enqueues on its context, or on the context's queue, is noted and not
    /// stored: [`AloneRun::enqueued`]. A function with a [`JobTx`](crate::JobTx) needs a database:
    /// [`RunAlone::on`].
    fn run<S>(self, state: &S) -> RunAlone<'_, Self, S>
    where
        Self: TypedHandler<S, Payload = Self>,
        S: Send + Sync + 'static,
    {
        RunAlone::new(self, state)
    }

    /// As [`run`](RunJob::run), for a job that a `#[handler]` of another crate runs:
    /// `SendEmail { … }.run_by::<SendEmailHandler, _>(&state)`.
    fn run_by<H, S>(self, state: &S) -> RunAlone<'_, H, S>
    where
        H: TypedHandler<S, Payload = Self>,
        S: Send + Sync + 'static,
    {
        RunAlone::new(self, state)
    }
}

impl<J: JobPayload> RunJob for J {}

/// A run that has not begun; await it. [`RunJob::run`] creates one.
#[must_use = "nothing runs before it is awaited"]
pub struct RunAlone<'s, H: JobHandler, S> {
    payload: H::Payload,
    state: &'s S,
    context: TestContext,
    timeout: Option<Duration>,
}

impl<'s, H, S> RunAlone<'s, H, S>
where
    H: TypedHandler<S>,
    S: Send + Sync + 'static,
{
    fn new(payload: H::Payload, state: &'s S) -> Self {
        Self { payload, state, context: TestContext::default(), timeout: None }
    }

    /// Sets the number of the attempt; 1 by default.
    pub fn attempt(self, attempt: i32) -> Self {
        Self { context: self.context.attempt(attempt), ..self }
    }

    /// Cancels the job before it runs. A function that does not return then is dropped after 0.1 s.
    pub fn cancelled(self) -> Self {
        Self { context: self.context.cancelled(), ..self }
    }

    /// Sets the timeout, instead of the declared one.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets the metadata of the job.
    pub fn metadata(self, metadata: impl Serialize) -> Self {
        Self { context: self.context.metadata(metadata), ..self }
    }

    /// Gives the run a database, for a [`JobTx`](crate::JobTx): its statements are committed if the
    /// function succeeds.
    pub fn on(self, pool: &PgPool) -> Self {
        Self { context: self.context.on(pool), ..self }
    }

    async fn carry_out(self) -> AloneRun {
        let Self { payload, state, context, timeout } = self;
        let kind = <H::Payload as JobPayload>::KIND;
        assert!(
            !H::IN_TRANSACTION || context.has_database(),
            "`{kind}` takes a `JobTx`, which needs a database: `.run(&state).on(&pool)`"
        );
        let row = NewJob::declared(&payload).and_then(|row| validate(&row).map(|()| row));
        let row = row.unwrap_or_else(|error| panic!("`{kind}` cannot be enqueued: {error}"));
        let (queue, mut claim) = context.parts();
        claim.timeout = timeout;
        let (calls, called) = mpsc::unbounded_channel();
        let mut registry = Registry::default();
        let forward = Arc::new(Calls(calls));
        registry.insert(StatefulHandler::<Forward<H, S>, _>::new(forward), &[]);
        let handler = registry.find(&row.queue, kind).expect("it was just inserted");
        let max_attempts = row.max_attempts;
        let (priority, mut job) = (row.priority, Job::new(row.queue, ()));
        (job.kind, job.version, job.unique_key) = (row.kind, row.version, row.unique_key);
        (job.stored, job.attempt) = (Some(row.job_data), context.number());
        job.id = claim.lease.job_id;
        job.claim = Some(claim.clone());
        let seen = job.clone();
        let signal = Arc::clone(&claim.run);
        let fetched = FetchedJob { job, claim, priority, max_attempts, token: None, series: None };
        let run = run_alone(queue.clone(), &handler, Box::new(fetched));
        let run = answer::<H, S>(run, called, state).await;
        let observed = ObservedRun::new(seen, run.transition, signal.ran());
        let enqueued = queue.unit().map(|unit| std::mem::take(&mut *unit.enqueued.lock()));
        AloneRun { run: Run::of(&observed), enqueued: enqueued.unwrap_or_default() }
    }
}

impl<'s, H, S> IntoFuture for RunAlone<'s, H, S>
where
    H: TypedHandler<S>,
    S: Send + Sync + 'static,
{
    type Output = AloneRun;
    type IntoFuture = Pin<Box<dyn Future<Output = AloneRun> + Send + 's>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.carry_out())
    }
}

impl<H: JobHandler, S> std::fmt::Debug for RunAlone<'_, H, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunAlone").field("kind", &H::Payload::KIND).finish_non_exhaustive()
    }
}

/// A run without a database. It derefs to [`Run`].
#[derive(Debug)]
pub struct AloneRun {
    run: Run,
    enqueued: Vec<NewJob>,
}

impl AloneRun {
    /// Returns the jobs of this kind that the function has enqueued on its context. Each is new,
    /// whatever its unique key.
    ///
    /// # Panics
    /// When the payload of one cannot be read.
    pub fn enqueued<J: JobPayload>(&self) -> Vec<J> {
        let kinds = super::expect::kinds_of::<J>();
        let of_kind = self.enqueued.iter().filter(|row| kinds.contains(&row.kind.as_str()));
        let read = |row: &NewJob| {
            let mut job = Job::new(row.queue.clone(), ());
            (job.stored, job.version) = (Some(row.job_data.clone()), row.version);
            read_payload(&job).unwrap_or_else(|unread| match unread {
                Unread::OfNewerBuild => panic!("`{}` has a newer version", J::KIND),
                Unread::Unfit(problem) => panic!("{problem}"),
            })
        };
        of_kind.map(read).collect()
    }

    /// Returns the kinds of all jobs that the function has enqueued on its context.
    pub fn enqueued_kinds(&self) -> Vec<&str> {
        self.enqueued.iter().map(|row| row.kind.as_str()).collect()
    }
}

impl Deref for AloneRun {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

/// A call of the function of a job: the handler of the run forwards it to the task that has the
/// state, which is only borrowed.
struct Call<P> {
    payload: P,
    context: JobContext,
    answer: oneshot::Sender<Result<Outcome, Box<dyn Any + Send>>>,
}

/// The state of a handler that forwards its calls.
struct Calls<P>(mpsc::UnboundedSender<Call<P>>);

/// The handler `H` with the state `S`, whose calls are forwarded.
struct Forward<H, S>(PhantomData<fn() -> (H, S)>);

impl<H: JobHandler, S: 'static> JobHandler for Forward<H, S> {
    type Payload = H::Payload;
}

impl<H, S> TypedHandler<Calls<H::Payload>> for Forward<H, S>
where
    H: TypedHandler<S>,
    S: Send + Sync + 'static,
{
    const STRATEGY: Option<&'static dyn JobStrategy> = H::STRATEGY;
    const IN_TRANSACTION: bool = H::IN_TRANSACTION;

    async fn run(payload: H::Payload, calls: &Calls<H::Payload>, context: &JobContext) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let call = Call { payload, context: context.clone(), answer };
        // If the receiver is gone, the run is over.
        if calls.0.send(call).is_err() {
            return std::future::pending().await;
        }
        match answered.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await,
        }
    }

    async fn exhausted(
        payload: H::Payload,
        context: &JobContext,
        error: &str,
    ) -> Result<(), BoxDynError> {
        H::exhausted(payload, context, error).await
    }
}

/// Carries out the calls of a run until it ends. A call that the run gives up is dropped, as it
/// would be in a worker.
async fn answer<H: TypedHandler<S>, S>(
    run: impl Future<Output = FinishedRun>,
    mut calls: mpsc::UnboundedReceiver<Call<H::Payload>>,
    state: &S,
) -> FinishedRun {
    let mut run = pin!(run);
    loop {
        let call = tokio::select! {
            biased;
            run = &mut run => return run,
            Some(call) = calls.recv() => call,
        };
        let Call { payload, context, mut answer } = call;
        let called = AssertUnwindSafe(H::run(payload, state, &context)).catch_unwind();
        let answered = tokio::select! {
            biased;
            answered = called => Some(answered),
            () = answer.closed() => None,
            run = &mut run => return run,
        };
        if let Some(answered) = answered {
            // If the receiver is gone, the run has ended.
            drop(answer.send(answered));
        }
    }
}
