//! What a handler may answer.

use std::{error::Error, fmt, time::Duration};

use chrono::{DateTime, Utc};

/// Any error that a handler may return.
pub type BoxDynError = Box<dyn Error + Send + Sync + 'static>;

/// The answer of a plain [`Handler`](crate::Handler); a `#[job]` function may return it too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobResult {
    /// The job is done.
    Success,
    /// The attempt failed; the next one follows after the back-off, if one is left.
    Failed,
    /// The attempt failed; the next one is due at this time, but not before the back-off is over.
    RetryAt(DateTime<Utc>),
    /// Not now: run again at this time, without using up an attempt.
    ///
    /// As often as it is asked for, unless a limit is declared, see
    /// [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes).
    RescheduleAt(DateTime<Utc>),
    /// There is nothing here that could run this job; it becomes `unprocessable`.
    HandlerMissing,
    /// No further attempt can help; the job becomes a `critical_failure`.
    Critical,
    /// The job is no longer wanted; it becomes `cancelled`.
    Cancel,
    /// The payload cannot be worked with; the job becomes `unprocessable` and no attempt is used.
    Unprocessable,
    /// As [`JobResult::Failed`], for a fault of the handler rather than of the job.
    InternalError,
}

/// An error that says what should become of the job.
///
/// Any other error means: try again after the back-off.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::JobError;
///
/// fn charge(status: u16) -> Result<(), JobError> {
///     match status {
///         200 => Ok(()),
///         402 => Err(JobError::fail("the card was declined")),
///         429 => Err(JobError::snooze(Duration::from_secs(60))),
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

/// What an error asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Retry,
    RetryAfter(Duration),
    Fail,
    Snooze(Duration),
    Cancel,
    Unprocessable,
}

impl JobError {
    /// The attempt failed; the next one follows after the back-off, if one is left.
    pub fn retry(cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::Retry, cause: cause.into() }
    }

    /// As [`JobError::retry`], but the next attempt is due no earlier than after `delay`.
    pub fn retry_after(delay: Duration, cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::RetryAfter(delay), cause: cause.into() }
    }

    /// No further attempt can help; the job becomes a `critical_failure`.
    pub fn fail(cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::Fail, cause: cause.into() }
    }

    /// Not now: run again after `delay`, without using up an attempt.
    ///
    /// As often as it is asked for, unless a limit is declared, see
    /// [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes). A job that should give up some
    /// day answers with an error instead, or fails when it is too old.
    pub fn snooze(delay: Duration) -> Self {
        Self { decision: Decision::Snooze(delay), cause: "snoozed".into() }
    }

    /// The job is no longer wanted; it becomes `cancelled`.
    pub fn cancel(cause: impl Into<BoxDynError>) -> Self {
        Self { decision: Decision::Cancel, cause: cause.into() }
    }

    /// The payload cannot be worked with; the job becomes `unprocessable` and no attempt is used.
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
