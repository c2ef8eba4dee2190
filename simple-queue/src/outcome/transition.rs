//! The change that is written for a run, computed from its outcome and the remaining attempts.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Outcome, Verdict};
use crate::{job::JobStatus, stats::RunEnd};

/// The state of a job when its run ends.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// The number of the attempt that ran, from 1.
    pub(crate) number: i32,
    pub(crate) max_attempts: i32,
    /// How often it was rescheduled before.
    pub(crate) reprocess_count: i32,
    /// The limit of reschedulings; `None`: no limit.
    pub(crate) max_reprocess_count: Option<i32>,
    /// Whether its cancellation was requested while it ran.
    pub(crate) cancel_requested: bool,
}

/// The change that is written for a run. The most frequent variant is the smallest, because waiting runs are moved
/// several times.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transition {
    /// The job is completed and moves to the archive.
    Archive {
        /// The handler's result as JSON, if it returned one.
        result: Option<String>,
    },
    /// The job goes back to pending.
    Retry(Box<Retry>),
    /// The job does not run again by itself and moves to the dead letters.
    DeadLetter(Box<DeadLetter>),
}

/// A job's way back to pending.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "a row of independent answers")]
pub(crate) struct Retry {
    /// The job is due after this delay, …
    pub(crate) delay: Duration,
    /// … and not before this time.
    pub(crate) not_before: Option<DateTime<Utc>>,
    /// Whether the attempt that the claim counted is given back.
    pub(crate) attempt_kept: bool,
    /// Whether this counts towards the limit of reschedulings.
    pub(crate) reprocessed: bool,
    /// Whether `expires_after` is counted from the new due time, because the job was started in time or asked to be
    /// postponed. Otherwise the old limit stays.
    pub(crate) waits_anew: bool,
    /// Whether a job that has killed processes ran and this process survived.
    pub(crate) survived: bool,
    pub(crate) error: Option<String>,
}

/// An end of a job other than success.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeadLetter {
    pub(crate) status: JobStatus,
    pub(crate) reason: String,
    pub(crate) attempt_kept: bool,
    pub(crate) error: Option<String>,
}

impl Outcome {
    /// Decides the transition. `backoff` is asked for the delay after this attempt, if another one follows.
    pub(crate) fn transition(
        self,
        attempt: &Attempt,
        backoff: impl FnOnce() -> Duration,
    ) -> Transition {
        let Self { verdict, error, result, trouble: _ } = self;
        // A success that came first wins over a cancellation; nothing else does.
        if verdict == Verdict::Complete {
            return Transition::Archive { result };
        }
        if attempt.cancel_requested {
            return dead(JobStatus::Cancelled, "cancelled while it ran".to_owned(), error);
        }
        match verdict {
            Verdict::Complete => Transition::Archive { result },
            Verdict::Retry => retry(attempt, backoff, Duration::ZERO, None, error),
            Verdict::RetryAfter(delay) => retry(attempt, backoff, delay, None, error),
            Verdict::RetryAt(at) => retry(attempt, backoff, Duration::ZERO, Some(at), error),
            Verdict::Snooze(delay) | Verdict::RateLimited(delay) => {
                reschedule(attempt, delay, None, error)
            }
            Verdict::RescheduleAt(at) => reschedule(attempt, Duration::ZERO, Some(at), error),
            Verdict::Fail => {
                let reason = reason_or(error.as_deref(), "the handler gave up");
                dead(JobStatus::CriticalFailure, reason, error)
            }
            Verdict::Unprocessable => DeadLetter {
                status: JobStatus::Unprocessable,
                reason: reason_or(error.as_deref(), "the payload cannot be worked with"),
                attempt_kept: true,
                error,
            }
            .into(),
            Verdict::Cancel => {
                let reason = reason_or(error.as_deref(), "the handler cancelled it");
                dead(JobStatus::Cancelled, reason, error)
            }
            Verdict::Expire => DeadLetter {
                status: JobStatus::Cancelled,
                reason: "it waited longer than it may, and was not started".to_owned(),
                attempt_kept: true,
                error: None,
            }
            .into(),
            Verdict::GiveBack(delay) => Retry { error, ..Retry::given_back(delay) }.into(),
        }
    }
}

impl Transition {
    /// How the run's end is counted; `None`: it is not, because the job was given back.
    pub(crate) fn counted(&self) -> Option<RunEnd> {
        match self {
            Self::Archive { .. } => Some(RunEnd::Completed),
            Self::Retry(retry) if retry.reprocessed => Some(RunEnd::Snoozed),
            Self::Retry(retry) => (!retry.attempt_kept).then_some(RunEnd::Retried),
            Self::DeadLetter(letter) if letter.status == JobStatus::Cancelled => {
                Some(RunEnd::Cancelled)
            }
            Self::DeadLetter(_) => Some(RunEnd::Dead),
        }
    }

    /// Size of its texts in memory.
    pub(crate) fn bytes(&self) -> usize {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Archive { result } => of(result),
            Self::Retry(retry) => of(&retry.error),
            Self::DeadLetter(letter) => letter.reason.len() + of(&letter.error),
        }
    }
}

impl From<Retry> for Transition {
    fn from(retry: Retry) -> Self {
        Self::Retry(Box::new(retry))
    }
}

impl From<DeadLetter> for Transition {
    fn from(letter: DeadLetter) -> Self {
        Self::DeadLetter(Box::new(letter))
    }
}

impl Retry {
    /// For a job that did not run, or did not end, through no fault of its own.
    pub(crate) fn given_back(delay: Duration) -> Self {
        Self {
            delay,
            not_before: None,
            attempt_kept: true,
            reprocessed: false,
            waits_anew: false,
            survived: false,
            error: None,
        }
    }
}

fn retry(
    attempt: &Attempt,
    backoff: impl FnOnce() -> Duration,
    delay: Duration,
    not_before: Option<DateTime<Utc>>,
    error: Option<String>,
) -> Transition {
    if attempt.number >= attempt.max_attempts {
        let reason = format!("attempt {} of {} failed", attempt.number, attempt.max_attempts);
        return dead(JobStatus::Failed, reason, error);
    }
    Retry {
        delay: std::cmp::max(delay, backoff()),
        not_before,
        attempt_kept: false,
        reprocessed: false,
        waits_anew: true,
        survived: false,
        error,
    }
    .into()
}

fn reschedule(
    attempt: &Attempt,
    delay: Duration,
    not_before: Option<DateTime<Utc>>,
    error: Option<String>,
) -> Transition {
    if let Some(most) = attempt.max_reprocess_count.filter(|&most| attempt.reprocess_count >= most)
    {
        let reason =
            format!("put off more than {most} times, which its queue declares as the limit");
        return dead(JobStatus::BadJob, reason, error);
    }
    Retry {
        delay,
        not_before,
        attempt_kept: true,
        reprocessed: true,
        waits_anew: true,
        survived: false,
        error,
    }
    .into()
}

fn dead(status: JobStatus, reason: String, error: Option<String>) -> Transition {
    DeadLetter { status, reason, attempt_kept: false, error }.into()
}

fn reason_or(error: Option<&str>, otherwise: &str) -> String {
    error.unwrap_or(otherwise).to_owned()
}
