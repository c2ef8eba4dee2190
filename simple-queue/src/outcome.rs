//! What a handler said becomes exactly one transition of its job.
//!
//! A pure function, so the whole table can be tested without a database; the next stage,
//! [`crate::finalize`], writes the transitions.

mod transition;

pub(crate) use transition::{Attempt, DeadLetter, Retry, Transition};

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};

use crate::job::{BoxDynError, Decision, JobError, JobResult};

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
            Self::Failed => (Verdict::Retry, "the handler answered that the attempt failed"),
            Self::InternalError => (Verdict::Retry, "the handler answered with an internal error"),
            Self::RetryAt(at) => (Verdict::RetryAt(at), "the handler asked for another attempt"),
            Self::RescheduleAt(at) => {
                return Outcome { verdict: Verdict::RescheduleAt(at), error: None };
            }
            Self::HandlerMissing => {
                (Verdict::Unprocessable, "the handler answered that none is there for this job")
            }
            Self::Critical => (Verdict::Fail, "the handler answered that no attempt can help"),
            Self::Cancel => {
                (Verdict::Cancel, "the handler answered that the job is no longer wanted")
            }
            Self::Unprocessable => (
                Verdict::Unprocessable,
                "the handler answered that it cannot work with the payload",
            ),
        };
        Outcome { verdict, error: Some(error.to_owned()) }
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
        Self { verdict: Verdict::Complete, error: None }
    }

    /// The run ended before the handler could say anything: it panicked or ran out of time.
    pub(crate) fn attempt_failed(error: String) -> Self {
        Self { verdict: Verdict::Retry, error: Some(error) }
    }

    /// The handler did not run, or not to its end, for no fault of the job.
    pub(crate) fn given_back() -> Self {
        Self::given_back_for(Duration::ZERO)
    }

    /// As [`Outcome::given_back`], for a job that could not run here for a while.
    pub(crate) fn given_back_for(delay: Duration) -> Self {
        Self { verdict: Verdict::GiveBack(delay), error: None }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.verdict == Verdict::Complete
    }

    pub(crate) fn cancelled(error: &str) -> Self {
        Self { verdict: Verdict::Cancel, error: Some(error.to_owned()) }
    }

    pub(crate) fn unprocessable(error: String) -> Self {
        Self { verdict: Verdict::Unprocessable, error: Some(error) }
    }

    pub(crate) fn snoozed(delay: Duration) -> Self {
        Self { verdict: Verdict::Snooze(delay), error: None }
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
        Self { verdict, error: Some(with_sources(error)) }
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
            Verdict::Snooze(delay) | Verdict::GiveBack(delay) => JobError::snooze(delay),
            Verdict::Fail => JobError::fail(cause),
            Verdict::Unprocessable => JobError::unprocessable(cause),
            Verdict::Cancel => JobError::cancel(cause),
        }
        .into())
    }
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
