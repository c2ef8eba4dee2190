//! What a handler said becomes exactly one transition of its job.
//!
//! A pure function, so the whole table can be tested without a database; the next stage,
//! [`crate::finalize`], writes the transitions.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::job::{BoxDynError, Decision, JobError, JobResult, JobStatus};

/// What one run of a job came to, before it is weighed against the attempts that are left.
#[derive(Debug)]
pub struct Outcome {
    verdict: Verdict,
    error: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    Complete,
    Retry,
    RetryAfter(Duration),
    RetryAt(DateTime<Utc>),
    Snooze(Duration),
    RescheduleAt(DateTime<Utc>),
    Fail,
    Unprocessable,
    Cancel,
    GiveBack(Duration),
}

/// What is known of a job when its run ends.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// The number of the attempt that ran, from 1.
    pub(crate) number: i32,
    pub(crate) max_attempts: i32,
    /// How often it was rescheduled before.
    pub(crate) reprocess_count: i32,
    pub(crate) max_reprocess_count: i32,
    /// The wait after this attempt, should it have failed.
    pub(crate) backoff: Duration,
    /// Whether somebody asked for its cancellation while it ran.
    pub(crate) cancel_requested: bool,
}

/// The one change that is written for a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transition {
    /// The job is done and moves to the archive.
    Archive { result: Option<Value> },
    /// The job goes back to pending.
    Retry(Retry),
    /// The job will not run again by itself and moves to the dead letters.
    DeadLetter(DeadLetter),
}

/// A job's way back to pending.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Retry {
    /// Due after this wait …
    pub(crate) delay: Duration,
    /// … and not before this time.
    pub(crate) not_before: Option<DateTime<Utc>>,
    /// Whether the attempt that the claim counted is given back.
    pub(crate) attempt_kept: bool,
    /// Whether this counts towards the limit of reschedulings.
    pub(crate) reprocessed: bool,
    pub(crate) error: Option<String>,
}

/// A job's end other than success.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeadLetter {
    pub(crate) status: JobStatus,
    pub(crate) reason: String,
    pub(crate) attempt_kept: bool,
    pub(crate) error: Option<String>,
}

/// Anything that a handler may return.
#[diagnostic::on_unimplemented(
    message = "a `#[job]` function cannot return `{Self}`",
    label = "expected `()`, or `Result<T, E>`",
    note = "return `()`, `JobResult`, or a `Result` of one of them whose error converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait IntoOutcome {
    /// What the returned value says of the job.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::completed()
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl IntoOutcome for JobResult {
    fn into_outcome(self) -> Outcome {
        let (verdict, error) = match self {
            Self::Success => return Outcome::completed(),
            Self::Failed => (
                Verdict::Retry,
                "the handler answered that the attempt failed",
            ),
            Self::InternalError => (
                Verdict::Retry,
                "the handler answered with an internal error",
            ),
            Self::RetryAt(at) => (
                Verdict::RetryAt(at),
                "the handler asked for another attempt",
            ),
            Self::RescheduleAt(at) => {
                return Outcome {
                    verdict: Verdict::RescheduleAt(at),
                    error: None,
                };
            }
            Self::HandlerMissing => (
                Verdict::Unprocessable,
                "the handler answered that none is there for this job",
            ),
            Self::Critical => (
                Verdict::Fail,
                "the handler answered that no attempt can help",
            ),
            Self::Cancel => (
                Verdict::Cancel,
                "the handler answered that the job is no longer wanted",
            ),
            Self::Unprocessable => (
                Verdict::Unprocessable,
                "the handler answered that it cannot work with the payload",
            ),
        };
        Outcome {
            verdict,
            error: Some(error.to_owned()),
        }
    }
}

impl<T: IntoOutcome, E: Into<BoxDynError>> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => Outcome::from_error(error.into().as_ref()),
        }
    }
}

impl Outcome {
    pub(crate) fn completed() -> Self {
        Self {
            verdict: Verdict::Complete,
            error: None,
        }
    }

    /// The run ended before the handler could say anything: it panicked or ran out of time.
    pub(crate) fn attempt_failed(error: String) -> Self {
        Self {
            verdict: Verdict::Retry,
            error: Some(error),
        }
    }

    /// The handler did not run, or not to its end, for no fault of the job.
    pub(crate) fn given_back() -> Self {
        Self::given_back_for(Duration::ZERO)
    }

    /// As [`Outcome::given_back`], for a job that could not run here for a while.
    pub(crate) fn given_back_for(delay: Duration) -> Self {
        Self {
            verdict: Verdict::GiveBack(delay),
            error: None,
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.verdict == Verdict::Complete
    }

    pub(crate) fn cancelled(error: &str) -> Self {
        Self {
            verdict: Verdict::Cancel,
            error: Some(error.to_owned()),
        }
    }

    pub(crate) fn unprocessable(error: String) -> Self {
        Self {
            verdict: Verdict::Unprocessable,
            error: Some(error),
        }
    }

    pub(crate) fn snoozed(delay: Duration) -> Self {
        Self {
            verdict: Verdict::Snooze(delay),
            error: None,
        }
    }

    fn from_error(error: &(dyn Error + Send + Sync + 'static)) -> Self {
        let verdict = match error.downcast_ref::<JobError>().map(JobError::decision) {
            None | Some(Decision::Retry) => Verdict::Retry,
            Some(Decision::RetryAfter(delay)) => Verdict::RetryAfter(delay),
            Some(Decision::Fail) => Verdict::Fail,
            Some(Decision::Snooze(delay)) => return Self::snoozed(delay),
            Some(Decision::Cancel) => Verdict::Cancel,
            Some(Decision::Unprocessable) => Verdict::Unprocessable,
        };
        Self {
            verdict,
            error: Some(with_sources(error)),
        }
    }

    /// The same answer in the words of the plain interface, for a `#[job]` that is run by hand.
    pub(crate) fn into_job_result(self) -> Result<JobResult, BoxDynError> {
        let cause = self.error.unwrap_or_default();
        Err(match self.verdict {
            Verdict::Complete => return Ok(JobResult::Success),
            Verdict::RetryAt(at) => return Ok(JobResult::RetryAt(at)),
            Verdict::RescheduleAt(at) => return Ok(JobResult::RescheduleAt(at)),
            Verdict::Retry => JobError::retry(cause),
            Verdict::RetryAfter(delay) => JobError::retry_after(delay, cause),
            Verdict::Snooze(delay) => JobError::snooze(delay),
            Verdict::Fail => JobError::fail(cause),
            Verdict::Unprocessable => JobError::unprocessable(cause),
            Verdict::Cancel => JobError::cancel(cause),
            Verdict::GiveBack(delay) => JobError::snooze(delay),
        }
        .into())
    }

    /// Weighs the answer against the attempts that are left.
    pub(crate) fn transition(self, attempt: &Attempt) -> Transition {
        let Self { verdict, error } = self;
        // A success that came first wins over a cancellation; nothing else does.
        if verdict == Verdict::Complete {
            return Transition::Archive { result: None };
        }
        if attempt.cancel_requested {
            return dead(
                JobStatus::Cancelled,
                "cancelled while it ran".to_owned(),
                error,
            );
        }
        match verdict {
            Verdict::Complete => Transition::Archive { result: None },
            Verdict::Retry => retry(attempt, Duration::ZERO, None, error),
            Verdict::RetryAfter(delay) => retry(attempt, delay, None, error),
            Verdict::RetryAt(at) => retry(attempt, Duration::ZERO, Some(at), error),
            Verdict::Snooze(delay) => reschedule(attempt, delay, None, error),
            Verdict::RescheduleAt(at) => reschedule(attempt, Duration::ZERO, Some(at), error),
            Verdict::Fail => {
                let reason = reason_or(error.as_deref(), "the handler gave up");
                dead(JobStatus::CriticalFailure, reason, error)
            }
            Verdict::Unprocessable => Transition::DeadLetter(DeadLetter {
                status: JobStatus::Unprocessable,
                reason: reason_or(error.as_deref(), "the payload cannot be worked with"),
                attempt_kept: true,
                error,
            }),
            Verdict::Cancel => {
                let reason = reason_or(error.as_deref(), "the handler cancelled it");
                dead(JobStatus::Cancelled, reason, error)
            }
            Verdict::GiveBack(delay) => Transition::Retry(Retry::given_back(delay)),
        }
    }
}

impl Retry {
    /// For a job that did not run, or not to its end, for no fault of its own.
    pub(crate) fn given_back(delay: Duration) -> Self {
        Self {
            delay,
            not_before: None,
            attempt_kept: true,
            reprocessed: false,
            error: None,
        }
    }
}

fn retry(
    attempt: &Attempt,
    delay: Duration,
    not_before: Option<DateTime<Utc>>,
    error: Option<String>,
) -> Transition {
    if attempt.number >= attempt.max_attempts {
        let reason = format!(
            "attempt {} of {} failed",
            attempt.number, attempt.max_attempts
        );
        return dead(JobStatus::Failed, reason, error);
    }
    Transition::Retry(Retry {
        delay: std::cmp::max(delay, attempt.backoff),
        not_before,
        attempt_kept: false,
        reprocessed: false,
        error,
    })
}

fn reschedule(
    attempt: &Attempt,
    delay: Duration,
    not_before: Option<DateTime<Utc>>,
    error: Option<String>,
) -> Transition {
    if attempt.reprocess_count >= attempt.max_reprocess_count {
        let reason = format!(
            "rescheduled more than {} times",
            attempt.max_reprocess_count
        );
        return dead(JobStatus::BadJob, reason, error);
    }
    Transition::Retry(Retry {
        delay,
        not_before,
        attempt_kept: true,
        reprocessed: true,
        error,
    })
}

fn dead(status: JobStatus, reason: String, error: Option<String>) -> Transition {
    Transition::DeadLetter(DeadLetter {
        status,
        reason,
        attempt_kept: false,
        error,
    })
}

fn reason_or(error: Option<&str>, otherwise: &str) -> String {
    error.unwrap_or(otherwise).to_owned()
}

/// The error and what caused it, in one line: `sending failed: connection refused`.
fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors print their source themselves; saying it twice helps nobody.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
