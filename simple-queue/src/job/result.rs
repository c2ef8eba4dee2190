//! What a handler returns.

use std::{error::Error, fmt, time::Duration};

use chrono::{DateTime, Utc};

/// Any error that a handler may return.
pub type BoxDynError = Box<dyn Error + Send + Sync + 'static>;

/// The result of a plain [`Handler`](crate::Handler); a `#[job]` function may return it too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobResult {
    /// The job is completed.
    Success,
    /// The attempt failed; the next one follows after the back-off, if any is left.
    Failed,
    /// The attempt failed; the next one is due at this time, but not before the back-off is over.
    RetryAt(DateTime<Utc>),
    /// Not now: the job runs again at this time and uses no attempt.
    ///
    /// There is no limit on how often, unless
    /// [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes) sets one.
    RescheduleAt(DateTime<Utc>),
    /// Nothing here can run this job; it becomes `unprocessable`.
    HandlerMissing,
    /// Another attempt cannot help; the job becomes a `critical_failure`.
    Critical,
    /// The job is not wanted any more; it becomes `cancelled`.
    Cancel,
    /// The payload is unusable; the job becomes `unprocessable` and no attempt is used.
    Unprocessable,
    /// As [`JobResult::Failed`], for a fault of the handler rather than of the job.
    InternalError,
}

/// An error that chooses the job's outcome.
///
/// Any other error means: try again after the back-off. Return a `JobError` directly, with `?`,
/// inside `anyhow` or `eyre`, in a box, or as the `source()` of your own error.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::JobError;
///
/// fn charge(status: u16) -> Result<(), JobError> {
///     match status {
///         200 => Ok(()),
///         402 => Err(JobError::fail("the card was declined")),
///         429 => Err(JobError::rate_limited(Duration::from_secs(60))),
///         _ => Err(JobError::retry("the provider did not answer")),
///     }
/// }
/// # assert!(charge(402).is_err());
/// ```
#[derive(Debug)]
pub struct JobError {
    decision: Decision,
    cause: BoxDynError,
}

/// The outcome that an error chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Retry,
    RetryAfter(Duration),
    Fail,
    Snooze(Duration),
    RateLimited(Duration),
    Cancel,
    Unprocessable,
}

impl JobError {
    /// The attempt failed; the next one follows after the back-off, if any is left.
    pub fn retry(cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::Retry, cause: cause.into() }
    }

    /// As [`JobError::retry`], but the next attempt is due no earlier than after `delay`.
    pub fn retry_after(delay: Duration, cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::RetryAfter(delay), cause: cause.into() }
    }

    /// Another attempt cannot help; the job becomes a `critical_failure`.
    pub fn fail(cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::Fail, cause: cause.into() }
    }

    /// Not now: the job runs again after `delay` and uses no attempt.
    ///
    /// There is no limit on how often, unless
    /// [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes) sets one. A job that should give up
    /// at some time returns an error instead, or fails when it is too old.
    pub fn snooze(delay: Duration) -> Self {
        Self { decision: Decision::Snooze(delay), cause: "snoozed".into() }
    }

    /// What the job calls takes no more for this time: until then no job starts, in any process, that
    /// is under the rates of this one: `rate(…)` and `limits = […]`, or else the queue's. This job
    /// runs again then and uses no attempt, as with [`JobError::snooze`]. After the time the others
    /// start one by one, without a burst.
    ///
    /// Jobs that run already go on. Without a rate the job is only put off.
    pub fn rate_limited(after: Duration) -> Self {
        Self { decision: Decision::RateLimited(after), cause: "rate limited".into() }
    }

    /// The job is not wanted any more; it becomes `cancelled`.
    pub fn cancel(cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::Cancel, cause: cause.into() }
    }

    /// The payload is unusable; the job becomes `unprocessable` and no attempt is used.
    pub fn unprocessable(cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::Unprocessable, cause: cause.into() }
    }

    pub(crate) fn decision(&self) -> Decision {
        self.decision
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
