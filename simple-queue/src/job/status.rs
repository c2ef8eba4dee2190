//! Status of a job.

use std::fmt;

/// Status of a job, with the words of the view `all_jobs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobStatus {
    /// Waits for its due time, for a permit or for a worker.
    Pending,
    /// A worker has it.
    Running,
    /// Completed; in the archive.
    Completed,
    /// Used up its attempts; a dead letter.
    Failed,
    /// Cancelled before it completed; a dead letter.
    Cancelled,
    /// Its handler returned that another attempt cannot help; a dead letter.
    CriticalFailure,
    /// Its payload could not be read, or its handler refused it; a dead letter, no attempt used.
    Unprocessable,
    /// Killed its process too often, or was put off more often than its queue allows; a dead
    /// letter.
    BadJob,
}

impl JobStatus {
    /// Returns the word for this status in the database.
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

    /// Returns whether a job with this status never runs again by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// A word that this release does not know as a status; a newer release may have written it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown job status `{status}`: a newer release wrote it")]
#[non_exhaustive]
pub struct UnknownStatus {
    /// The word.
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
