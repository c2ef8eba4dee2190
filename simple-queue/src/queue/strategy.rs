//! Strategies: the user's own rules for when a job may start.

use std::{any::Any, fmt, pin::Pin};

use crate::row::Job;

/// A permit of a strategy. Its value is dropped when the run of the job ends.
pub struct Permit {
    _held: Box<dyn Any + Send + Sync>,
}

impl Permit {
    /// Creates a permit that holds a value, such as a semaphore's permit.
    pub fn new<T: Any + Send + Sync>(held: T) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Why a strategy gives no permit. It decides what becomes of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobStrategyError {
    /// The job is not wanted any more: it becomes `cancelled`.
    CancelJob,
    /// Not now: the job runs again after this time and uses no attempt. There is no limit on how
    /// often, unless [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes) sets one.
    TryAfter(chrono::TimeDelta),
    /// The attempt counts as failed: the job runs again after the back-off.
    Retry,
    /// The job counts as done: it becomes `completed`.
    MarkCompleted,
}

/// The future that a strategy returns.
pub type PermitFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Permit, JobStrategyError>> + Send + 'a>>;

/// Your own rules for when a job may start: a limit for each tenant, a feature flag, a budget.
///
/// ```
/// use simple_queue::{Job, sync::{JobStrategy, JobStrategyError, Permit, PermitFuture}};
///
/// struct OneAtATime(std::sync::Arc<tokio::sync::Semaphore>);
///
/// impl JobStrategy for OneAtATime {
///     fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
///         Box::pin(async {
///             let permit = self.0.clone().acquire_owned().await;
///             permit.map(Permit::new).map_err(|_| JobStrategyError::CancelJob)
///         })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    label = "expected a static that implements `JobStrategy`",
    note = "implement `simple_queue::sync::JobStrategy` for `{Self}`"
)]
pub trait JobStrategy: Send + Sync {
    /// Waits for the permit to start this job, or returns why there is none.
    ///
    /// A wait longer than [`permit_timeout`](crate::SimpleQueueBuilder::permit_timeout) is dropped
    /// and the job is given back, so that it does not delay the other jobs of its queue.
    fn acquire(&self, job: &Job) -> PermitFuture<'_>;
}

/// A strategy that lets every job start at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstantStrategy {}

impl JobStrategy for InstantStrategy {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::ready(Ok(Permit::new(()))))
    }
}
