//! Jobs as operators see them.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::ActRecord;
use crate::{
    Error, UnknownStatus,
    job::JobStatus,
    store::{Circumstances, ContentsRow, ListRow},
};

/// A job in a list; [`Admin::find`](super::Admin::find) returns them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobRow {
    /// The id.
    pub id: Uuid,
    /// The queue.
    pub queue: String,
    /// The kind, the name of its `#[job]`; empty for a plain handler's job.
    pub kind: String,
    /// The status.
    pub status: JobStatus,
    /// The priority; smaller is first.
    pub priority: i16,
    /// Attempts used, the running one included.
    pub attempt: i32,
    /// Attempts allowed; `None`: its handler decides.
    pub max_attempts: Option<i32>,
    /// How many processes have died while they ran it.
    pub crash_count: i32,
    /// The worker that has it, or had it last.
    pub worker: Option<Uuid>,
    /// When it is or was due; `None` if it has ended.
    pub run_at: Option<DateTime<Utc>>,
    /// The due time that was first asked for.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Which state of the job this is.
    pub version: JobVersion,
    /// What it contains, if that was asked for.
    pub contents: Option<JobContents>,
}

/// Which state of a job somebody has seen: it differs after each change. It can be written and read
/// back, for a form that is sent later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobVersion {
    pub(super) lease: i64,
    pub(super) changed_at: DateTime<Utc>,
}

impl fmt::Display for JobVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.lease, self.changed_at.timestamp_micros())
    }
}

/// A text is not a [`JobVersion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not the version of a job, as `JobRow::version` writes it")]
#[non_exhaustive]
pub struct NoJobVersion;

impl FromStr for JobVersion {
    type Err = NoJobVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (lease, changed_at) = text.split_once('.').ok_or(NoJobVersion)?;
        let micros = changed_at.parse().map_err(|_| NoJobVersion)?;
        let changed_at = DateTime::from_timestamp_micros(micros).ok_or(NoJobVersion)?;
        Ok(Self { lease: lease.parse().map_err(|_| NoJobVersion)?, changed_at })
    }
}

/// What a job contains. JSON is in its text, so that numbers stay exact; the values of arguments
/// that are [declared](macro@crate::job) with `redact` are `"…"`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobContents {
    /// The payload; `None` if it is too long for a list.
    pub payload: Option<String>,
    /// The length of the payload in bytes.
    pub payload_bytes: u64,
    /// The version of the payload's shape.
    pub payload_version: i32,
    /// The unique key, as it is stored.
    pub unique_key: Option<String>,
    /// The fingerprint.
    pub fingerprint: Option<String>,
    /// The tags.
    pub tags: Vec<String>,
    /// The attached metadata.
    pub metadata: Option<String>,
    /// The last ten failed attempts, the first first.
    pub errors: Vec<FailedAttempt>,
    /// The result of a completed job.
    pub result: Option<String>,
    /// Why it is a dead letter.
    pub reason: Option<String>,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct FailedAttempt {
    /// The number of the attempt.
    #[serde(default)]
    pub attempt: i64,
    /// When it failed, as the database wrote it.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
    /// The error.
    #[serde(default)]
    pub error: String,
}

/// Everything about one job; [`Admin::job`](super::Admin::job) returns it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobDetail {
    /// The job, with its contents if the actor may see them.
    pub job: JobRow,
    /// What concerns the start of a job that waits or runs.
    pub live: Option<LiveJob>,
    /// Who has its unique key now; `None` if nobody has, it has no key, or the actor may not see it.
    pub key_holder: Option<KeyHolder>,
    /// What operators did to it, the last first, at most 20; acts on many jobs at once are not
    /// among them.
    pub acts: Vec<ActRecord>,
}

/// What concerns the start of a job that waits or runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LiveJob {
    /// It is not started after this time.
    pub expires_at: Option<DateTime<Utc>>,
    /// When its cancellation was asked for.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// How long an attempt may take, if the job itself says so.
    pub timeout: Option<Duration>,
    /// How often it was put off without using an attempt.
    pub snoozes: i32,
    /// Whether it has killed processes, and so runs alone.
    pub is_suspect: bool,
    /// The limit and key under which it runs.
    pub limit_key: Option<String>,
    /// Since when its queue is paused.
    pub queue_paused_at: Option<DateTime<Utc>>,
    /// Since when its kind is paused in its queue.
    pub kind_paused_at: Option<DateTime<Utc>>,
    /// The machine of the worker that has it, its process id, and its last heartbeat.
    pub worker: Option<(String, i32, DateTime<Utc>)>,
}

/// The job that has a unique key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyHolder {
    /// The job.
    pub job_id: Uuid,
    /// When the key becomes free, if the job only keeps it; `None`: the job is live.
    pub kept_until: Option<DateTime<Utc>>,
}

impl JobRow {
    pub(super) fn of(row: ListRow) -> Result<Self, Error> {
        let status = row
            .status
            .parse()
            .map_err(|UnknownStatus { status }| Error::UnknownStatus { status })?;
        Ok(Self {
            id: row.id,
            queue: row.queue,
            kind: row.kind,
            status,
            priority: row.priority,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            crash_count: row.crash_count,
            worker: row.worker_id,
            run_at: row.run_at,
            scheduled_at: row.scheduled_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
            version: JobVersion { lease: row.lease, changed_at: row.changed_at },
            contents: None,
        })
    }
}

impl JobContents {
    /// `mask` hides the values of the payload that are not to be seen.
    pub(super) fn of(row: ContentsRow, mask: impl FnOnce(String) -> String) -> Self {
        // A list that cannot be read has been written by hand.
        let errors = row.errors.map(|errors| serde_json::from_str(&errors).unwrap_or_default());
        Self {
            payload: row.payload.map(mask),
            payload_bytes: u64::try_from(row.payload_bytes).unwrap_or_default(),
            payload_version: row.version,
            unique_key: row.unique_key,
            fingerprint: row.fingerprint,
            tags: row.tags.unwrap_or_default().into_iter().flatten().collect(),
            metadata: row.metadata,
            errors: errors.unwrap_or_default(),
            result: row.result,
            reason: row.reason,
        }
    }
}

impl LiveJob {
    pub(super) fn of(row: Circumstances) -> Self {
        Self {
            expires_at: row.expires_at,
            cancel_requested_at: row.cancel_requested_at,
            timeout: row.timeout.map(|seconds| {
                Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
            }),
            snoozes: row.reprocess_count,
            is_suspect: row.held == Some(Uuid::nil()),
            limit_key: row.gate,
            queue_paused_at: row.queue_paused_at,
            kind_paused_at: row.kind_paused_at,
            worker: row
                .host
                .zip(row.pid)
                .zip(row.heartbeat_at)
                .map(|((host, pid), at)| (host, pid, at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_it_was_written() {
        let changed_at = DateTime::from_timestamp_micros(1_796_000_000_123_456).unwrap();
        for lease in [0, i64::MAX, i64::MIN] {
            let version = JobVersion { lease, changed_at };
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        for text in ["", "7", "7.", ".7", "a.7", "7.99999999999999999999"] {
            assert_eq!(text.parse::<JobVersion>(), Err(NoJobVersion));
        }
    }
}
