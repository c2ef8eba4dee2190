//! The user's own rules for when a job may start.

use std::{any::Any, fmt, pin::Pin};

use crate::row::Job;

/// A permit of the user's own making; what it holds is dropped when the job's run is over.
pub struct Permit {
    _held: Box<dyn Any + Send + Sync>,
}

impl Permit {
    /// A permit that holds a value, such as a semaphore's permit.
    pub fn new<T: Any + Send + Sync>(held: T) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Why a strategy gives no permit, and what becomes of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobStrategyError {
    /// The job is no longer wanted: it becomes `cancelled`.
    CancelJob,
    /// Not now: run again after this time, without using an attempt, as often as it is asked for unless a limit
    /// is declared with [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes).
    TryAfter(chrono::TimeDelta),
    /// As if the attempt had failed: run again after the back-off.
    Retry,
    /// As if the job had been done.
    MarkCompleted,
}

/// The future that a strategy answers with.
pub type PermitFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Permit, JobStrategyError>> + Send + 'a>>;

/// Rules of your own for when a job may start: a limit for a tenant, a feature flag, a budget.
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
    /// Waits for the permit to start this job, or says why there is none.
    ///
    /// A wait longer than
    /// [`permit_timeout`](crate::SimpleQueueBuilder::permit_timeout) is dropped and the
    /// job given back, so that it does not keep others of its queue from running.
    fn acquire(&self, job: &Job) -> PermitFuture<'_>;
}

/// Lets every job start at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstantStrategy {}

impl JobStrategy for InstantStrategy {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::ready(Ok(Permit::new(()))))
    }
}
