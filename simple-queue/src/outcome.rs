//! What a handler said becomes exactly one transition of its job.
//!
//! A pure function, so the whole table can be tested without a database; the next stage,
//! [`crate::finalize`], writes the transitions.

mod transition;

pub(crate) use transition::{Attempt, DeadLetter, Retry, Transition};

use std::{convert::Infallible, error::Error, time::Duration};

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
    Expire,
    GiveBack(Duration),
}

/// Anything that a handler may return.
#[diagnostic::on_unimplemented(
    message = "a `#[job]` function cannot return `{Self}`",
    label = "expected `()`, or `Result<T, E>`",
    note = "return `()`, `JobResult`, or a `Result` of one of them whose error converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait IntoOutcome {
    /// The error that it may hold.
    type Error;

    /// What the returned value says of the job. `find` looks for a [`JobError`] in its error while the
    /// error's own type is still known: once it is in a box, an error that wraps another one of its
    /// own accord, as `anyhow`'s does, no longer shows what it wraps.
    fn into_outcome(self, find: impl FnOnce(&Self::Error) -> Option<&JobError>) -> Outcome;
}

impl IntoOutcome for () {
    type Error = Infallible;

    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
        Outcome::completed()
    }
}

impl IntoOutcome for Outcome {
    type Error = Infallible;

    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
        self
    }
}

impl IntoOutcome for JobResult {
    type Error = Infallible;

    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
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

impl<T: IntoOutcome<Error = Infallible>, E: Into<BoxDynError>> IntoOutcome for Result<T, E> {
    type Error = E;

    fn into_outcome(self, find: impl FnOnce(&E) -> Option<&JobError>) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(|never| match *never {}),
            Err(error) => {
                let decision = find(&error).map(JobError::decision);
                Outcome::from_error(error.into().as_ref(), decision)
            }
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

    /// The handler did not run: the job waited longer than it may.
    pub(crate) fn expired() -> Self {
        Self { verdict: Verdict::Expire, error: None }
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

    fn from_error(error: &(dyn Error + Send + Sync + 'static), decision: Option<Decision>) -> Self {
        let boxed = || error.downcast_ref::<JobError>().map(JobError::decision);
        let verdict = match decision.or_else(boxed) {
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
            Verdict::Cancel | Verdict::Expire => JobError::cancel(cause),
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
