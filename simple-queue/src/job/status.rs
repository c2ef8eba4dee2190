//! What state a job is in.

use std::fmt;

/// The state of a job, as the view `all_jobs` and [`Job::status`](crate::Job::status) spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobStatus {
    /// Waits for its time, for a permit or for a worker.
    Pending,
    /// Held by a worker.
    Running,
    /// Done; in the archive.
    Completed,
    /// Used up its attempts; a dead letter.
    Failed,
    /// Called off before it was done; a dead letter.
    Cancelled,
    /// Its handler said that no further attempt can help; a dead letter.
    CriticalFailure,
    /// Its payload could not be read, or its handler refused it; a dead letter, no attempt used.
    Unprocessable,
    /// Kept killing its process, or was put off more often than its queue declares; a dead letter.
    BadJob,
}

impl JobStatus {
    /// The word that stands for this state in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::CriticalFailure => "critical_failure",
            Self::Unprocessable => "unprocessable",
            Self::BadJob => "bad_job",
        }
    }

    /// Whether a job in this state will never run again by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// A word that stands for no state that this release knows; a newer release may have written it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{status}` is no state of a job that this release knows; a newer release wrote it")]
#[non_exhaustive]
pub struct UnknownStatus {
    /// The word that was read.
    pub status: String,
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for JobStatus {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        const ALL: [JobStatus; 8] = [
            JobStatus::Pending,
            JobStatus::Running,
            JobStatus::Completed,
            JobStatus::Failed,
            JobStatus::Cancelled,
            JobStatus::CriticalFailure,
            JobStatus::Unprocessable,
            JobStatus::BadJob,
        ];
        ALL.into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| UnknownStatus { status: word.to_owned() })
    }
}
