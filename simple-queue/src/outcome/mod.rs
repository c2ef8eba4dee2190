//! Turns the outcome of a run into exactly one transition of its job.
//!
//! A pure function, so the whole table is tested without a database. The next stage, [`crate::finalize`], writes the
//! transitions.

mod text;
mod transition;

pub(crate) use transition::{Attempt, DeadLetter, Retry, Transition};

use std::{convert::Infallible, error::Error, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    database::failure::{Excuse, excuse_in},
    jitter,
    job::{BoxDynError, Decision, JobError, JobResult, problem_of_json, to_json, without_nuls},
};
use text::with_sources;
pub(crate) use text::{cut, words_of};

/// The outcome of one run of a job, before the remaining attempts are considered.
#[derive(Debug)]
pub struct Outcome {
    verdict: Verdict,
    error: Option<String>,
    /// The result of a handler that succeeded, as JSON.
    result: Option<String>,
    /// The database caused the error.
    trouble: Option<Excuse>,
}

#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    Complete,
    Retry,
    RetryAfter(Duration),
    RetryAt(DateTime<Utc>),
    Snooze(Duration),
    /// As a snooze; the rates of the job are held for as long.
    RateLimited(Duration),
    RescheduleAt(DateTime<Utc>),
    Fail,
    Unprocessable,
    Cancel,
    Expire,
    GiveBack(Duration),
}

/// Any type that a handler may return.
#[diagnostic::on_unimplemented(
    message = "a `#[job]` function cannot return `{Self}`",
    label = "expected `()`, or `Result<T, E>`",
    note = "return `()`, `JobResult`, or a `Result` of one of them, or of a value that is kept, whose error converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait IntoOutcome {
    /// Its error type.
    type Error;

    /// What is kept of it when the handler succeeds; see [`JobPayload::Output`](crate::typed::JobPayload::Output).
    type Output;

    /// Converts the returned value. `find` looks for a [`JobError`] in its error while the error's own type is still
    /// known: in a box, an error that wraps another one by its own means, like `anyhow`'s, no longer shows what it
    /// wraps.
    fn into_outcome(self, find: impl FnOnce(&Self::Error) -> Option<&JobError>) -> Outcome;
}

impl IntoOutcome for () {
    type Error = Infallible;
    type Output = ();

    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
        Outcome::completed()
    }
}

impl IntoOutcome for Outcome {
    type Error = Infallible;
    type Output = ();

    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
        self
    }
}

impl IntoOutcome for JobResult {
    type Error = Infallible;
    type Output = ();

    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
        let (verdict, error) = match self {
            Self::Success => return Outcome::completed(),
            Self::Failed => (Verdict::Retry, "the handler returned `JobResult::Failed`"),
            Self::InternalError => {
                (Verdict::Retry, "the handler returned `JobResult::InternalError`")
            }
            Self::RetryAt(at) => {
                (Verdict::RetryAt(at), "the handler returned `JobResult::RetryAt`")
            }
            Self::RescheduleAt(at) => {
                return Outcome::without_error(Verdict::RescheduleAt(at));
            }
            Self::HandlerMissing => (
                Verdict::Unprocessable,
                "the handler returned `JobResult::HandlerMissing`: no handler for this job",
            ),
            Self::Critical => (
                Verdict::Fail,
                "the handler returned `JobResult::Critical`: another attempt would not help",
            ),
            Self::Cancel => (
                Verdict::Cancel,
                "the handler returned `JobResult::Cancel`: the job is no longer needed",
            ),
            Self::Unprocessable => (
                Verdict::Unprocessable,
                "the handler returned `JobResult::Unprocessable`: the payload cannot be used",
            ),
        };
        Outcome::with_error(verdict, error.to_owned())
    }
}

impl<T: JobOutput, E: HandlerError> IntoOutcome for Result<T, E> {
    type Error = E;
    type Output = T::Output;

    fn into_outcome(self, find: impl FnOnce(&E) -> Option<&JobError>) -> Outcome {
        match self {
            Ok(value) => value.recorded(),
            Err(error) => {
                let decision = find(&error).map(JobError::decision);
                Outcome::from_error(error.into().as_ref(), decision)
            }
        }
    }
}

/// What a handler may return in an `Err`: an error, a text, or a type that holds any error, like `anyhow`'s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error that a job can return",
    label = "not an error",
    note = "implement `std::error::Error` for `{Self}`, with `#[derive(thiserror::Error)]` for instance, or return `BoxDynError` or `anyhow::Error`"
)]
pub trait HandlerError: Into<BoxDynError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxDynError>> HandlerError for E {}

/// What a handler may return in an `Ok`: a value that is kept with the job, or an outcome.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept as the result of a job",
    label = "kept with the completed job, so serde must be able to write it",
    note = "derive `Serialize` for `{Self}`, or return `()`"
)]
pub trait JobOutput {
    /// What is kept of it.
    type Output;

    /// Converts it into an outcome.
    #[doc(hidden)]
    fn recorded(self) -> Outcome;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> JobOutput for T {
    type Output = T;

    fn recorded(self) -> Outcome {
        Outcome::completed_with(&self)
    }
}

impl JobOutput for JobResult {
    type Output = ();

    fn recorded(self) -> Outcome {
        self.into_outcome(|never| match *never {})
    }
}

impl JobOutput for Outcome {
    type Output = ();

    fn recorded(self) -> Outcome {
        self
    }
}

impl Outcome {
    pub(crate) fn completed() -> Self {
        Self::without_error(Verdict::Complete)
    }

    /// The handler succeeded and returned this value. A value that cannot be stored fails the job for good: dropping it
    /// silently would lose it, and another attempt would do the work again and return the same.
    fn completed_with(value: &impl Serialize) -> Self {
        let refused = |problem: &dyn std::fmt::Display| {
            Self::with_error(Verdict::Fail, format!("its result cannot be stored: {problem}"))
        };
        let json = match to_json(value) {
            Ok(json) => without_nuls(json),
            Err(error) => return refused(&error),
        };
        if let Some(problem) = problem_of_json(&json) {
            return refused(&problem);
        }
        let result = (json != "null").then_some(json);
        Self { result, ..Self::completed() }
    }

    /// The database undid the handler's work, or prevented it; the job is not at fault. The next run is about a second
    /// later, with jitter, so that many do not come back together.
    pub(crate) fn undone(error: String) -> Self {
        const PAUSE: Duration = Duration::from_secs(1);
        let pause = jitter::around(PAUSE, 0.5);
        Self::with_error(Verdict::GiveBack(pause), error)
    }

    /// The outcome of a run whose effects were undone with their transaction. A failure that was caused by one of these
    /// excuses does not count as an attempt; an explicit decision of the handler stays.
    pub(crate) fn excused(self, accepted: &[Excuse]) -> Self {
        let is_failure = matches!(self.verdict, Verdict::Retry | Verdict::RetryAfter(_));
        match (is_failure, self.trouble) {
            (true, Some(trouble)) if accepted.contains(&trouble) => self.undo(),
            _ => self,
        }
    }

    /// Like [`Outcome::excused`], whatever error the handler made of the failure.
    pub(crate) fn undo(self) -> Self {
        match self.verdict {
            Verdict::Retry | Verdict::RetryAfter(_) => Self::undone(self.error.unwrap_or_default()),
            _ => self,
        }
    }

    /// The run ended without an outcome of the handler: it panicked or timed out.
    pub(crate) fn attempt_failed(error: String) -> Self {
        Self::with_error(Verdict::Retry, error)
    }

    /// The handler did not run, or did not end, through no fault of the job.
    pub(crate) fn given_back() -> Self {
        Self::given_back_for(Duration::ZERO)
    }

    /// Like [`Outcome::given_back`], for a job that could not run here for a while.
    pub(crate) fn given_back_for(delay: Duration) -> Self {
        Self::without_error(Verdict::GiveBack(delay))
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.verdict == Verdict::Complete
    }

    /// How long no job under the same rates is to start.
    pub(crate) fn rate_limited_for(&self) -> Option<Duration> {
        match self.verdict {
            Verdict::RateLimited(after) => Some(after),
            _ => None,
        }
    }

    /// The handler's result as JSON, if it returned one.
    pub(crate) fn result(&self) -> Option<&str> {
        self.result.as_deref()
    }

    /// The handler did not run: the job waited longer than its `expires_after`.
    pub(crate) fn expired() -> Self {
        Self::without_error(Verdict::Expire)
    }

    pub(crate) fn cancelled(error: &str) -> Self {
        Self::with_error(Verdict::Cancel, error.to_owned())
    }

    pub(crate) fn unprocessable(error: String) -> Self {
        Self::with_error(Verdict::Unprocessable, error)
    }

    pub(crate) fn snoozed(delay: Duration) -> Self {
        Self::without_error(Verdict::Snooze(delay))
    }

    fn from_error(error: &(dyn Error + Send + Sync + 'static), decision: Option<Decision>) -> Self {
        let boxed = || error.downcast_ref::<JobError>().map(JobError::decision);
        let verdict = match decision.or_else(boxed) {
            None | Some(Decision::Retry) => Verdict::Retry,
            Some(Decision::RetryAfter(delay)) => Verdict::RetryAfter(delay),
            Some(Decision::Fail) => Verdict::Fail,
            Some(Decision::Snooze(delay)) => return Self::snoozed(delay),
            Some(Decision::RateLimited(after)) => {
                return Self::without_error(Verdict::RateLimited(after));
            }
            Some(Decision::Cancel) => Verdict::Cancel,
            Some(Decision::Unprocessable) => Verdict::Unprocessable,
        };
        Self {
            trouble: excuse_in(error, crate::Error::of_database_in),
            ..Self::with_error(verdict, with_sources(error))
        }
    }

    fn with_error(verdict: Verdict, error: String) -> Self {
        Self { error: Some(cut(error)), ..Self::without_error(verdict) }
    }

    fn without_error(verdict: Verdict) -> Self {
        Self { verdict, error: None, result: None, trouble: None }
    }

    /// The same outcome in the terms of the plain interface, for a `#[job]` that is run by hand.
    pub(crate) fn into_job_result(self) -> Result<JobResult, BoxDynError> {
        let cause = self.error.unwrap_or_default();
        Err(match self.verdict {
            Verdict::Complete => return Ok(JobResult::Success),
            Verdict::RetryAt(at) => return Ok(JobResult::RetryAt(at)),
            Verdict::RescheduleAt(at) => return Ok(JobResult::RescheduleAt(at)),
            Verdict::Retry => JobError::retry(cause),
            Verdict::RetryAfter(delay) => JobError::retry_after(delay, cause),
            Verdict::Snooze(delay) | Verdict::GiveBack(delay) => JobError::snooze(delay),
            Verdict::RateLimited(after) => JobError::rate_limited(after),
            Verdict::Fail => JobError::fail(cause),
            Verdict::Unprocessable => JobError::unprocessable(cause),
            Verdict::Cancel | Verdict::Expire => JobError::cancel(cause),
        }
        .into())
    }
}

#[cfg(test)]
mod tests;
