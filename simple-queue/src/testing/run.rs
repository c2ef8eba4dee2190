//! What became of a run.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    job::{JobPayload, JobStatus},
    outcome::Transition,
    queue::observed::ObservedRun,
    row::{Job, Unread, read_payload},
};

/// A run of a job in a test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Run {
    /// The job's id.
    pub job_id: Uuid,
    /// The name of its `#[job]`.
    pub kind: String,
    /// The queue in which it ran.
    pub queue: String,
    /// The number of the attempt, from 1.
    pub attempt: i32,
    /// What became of the job.
    pub outcome: Outcome,
    /// The error of the attempt, or the message of its panic, with its sources.
    pub error: Option<String>,
    /// What the function returned, as JSON, if that is kept.
    pub result: Option<String>,
    /// How long the function worked.
    pub took: Duration,
    job: Job,
}

/// What became of a job after a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is completed.
    Completed,
    /// The attempt failed, and another one follows after this time.
    Retried {
        /// The back-off.
        after: Duration,
        /// It is not due before this time either.
        not_before: Option<DateTime<Utc>>,
    },
    /// It was put off by this time and has used no attempt.
    Snoozed {
        /// The delay.
        after: Duration,
        /// It is not due before this time either.
        not_before: Option<DateTime<Utc>>,
    },
    /// The attempt does not count: the database prevented it, or undid it.
    GivenBack,
    /// It does not run again by itself.
    Dead {
        /// The status of the dead letter.
        status: JobStatus,
        /// Why, as operators read it.
        reason: String,
    },
}

impl Outcome {
    /// Returns that of a job which is completed.
    pub const fn completed() -> Self {
        Self::Completed
    }

    /// Returns the status of a job that has ended.
    pub const fn status(&self) -> Option<JobStatus> {
        match self {
            Self::Completed => Some(JobStatus::Completed),
            Self::Dead { status, .. } => Some(*status),
            Self::Retried { .. } | Self::Snoozed { .. } | Self::GivenBack => None,
        }
    }
}

impl Run {
    pub(super) fn of(run: &ObservedRun) -> Self {
        let (outcome, error, result) = match &run.end {
            Transition::Archive { result } => (Outcome::Completed, None, result.clone()),
            Transition::DeadLetter(letter) => {
                let (status, reason) = (letter.status, letter.reason.clone());
                (Outcome::Dead { status, reason }, letter.error.clone(), None)
            }
            Transition::Retry(retry) => {
                let (after, not_before) = (retry.delay, retry.not_before);
                let outcome = match (retry.attempt_kept, retry.reprocessed) {
                    (false, _) => Outcome::Retried { after, not_before },
                    (true, true) => Outcome::Snoozed { after, not_before },
                    (true, false) => Outcome::GivenBack,
                };
                (outcome, retry.error.clone(), None)
            }
        };
        Self {
            job_id: run.job_id(),
            kind: run.job.kind.clone(),
            queue: run.job.queue.clone(),
            attempt: run.job.attempt,
            outcome,
            error,
            result,
            took: run.ran.unwrap_or_default(),
            job: run.job.clone(),
        }
    }

    /// Returns whether the job is completed.
    pub fn is_completed(&self) -> bool {
        self.outcome == Outcome::Completed
    }

    /// Returns whether it was a run of this kind.
    pub fn is_of<J: JobPayload>(&self) -> bool {
        self.kind == J::KIND || J::ALIASES.contains(&self.kind.as_str())
    }

    /// Reads the stored arguments.
    ///
    /// # Panics
    /// When they are those of another kind.
    pub fn payload<J: JobPayload>(&self) -> J {
        read_payload(&self.job).unwrap_or_else(|unread| match unread {
            Unread::OfNewerBuild => panic!("`{}` has a newer version", self.kind),
            Unread::Unfit(problem) => panic!("{problem}"),
        })
    }

    /// Reads what the function returned.
    ///
    /// # Panics
    /// When that has another type.
    pub fn output<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(self.result.as_deref().unwrap_or("null"))
            .unwrap_or_else(|error| panic!("`{}` has returned something else: {error}", self.kind))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, job_id, attempt, outcome, .. } = self;
        write!(f, "`{kind}` {job_id}, attempt {attempt}: {outcome}")?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Retried { after, .. } => write!(f, "runs again in {after:.0?}"),
            Self::Snoozed { after, .. } => write!(f, "put off by {after:.0?}"),
            Self::GivenBack => f.write_str("given back, the attempt does not count"),
            Self::Dead { status, .. } => write!(f, "{status}"),
        }
    }
}
