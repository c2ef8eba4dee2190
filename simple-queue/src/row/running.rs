//! What worker processes say of themselves and of their long runs.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A job that has been running for more than a few seconds; returned by [`SimpleQueue::running`](crate::SimpleQueue::running).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunningJob {
    /// The job's id.
    pub job_id: Uuid,
    /// Its queue.
    pub queue: String,
    /// Its kind; empty for a plain job.
    pub kind: String,
    /// The number of the attempt, from 1.
    pub attempt: i32,
    /// When its handler began, by the database's clock.
    pub started_at: DateTime<Utc>,
    /// How much is done, from 0 to 1, if the handler [says](crate::JobContext::progress) so.
    pub progress: Option<f64>,
    /// What it does now, if the handler [says](crate::JobContext::note) so.
    pub note: Option<String>,
    /// Whether its cancellation was requested.
    pub is_cancelled: bool,
    /// The process that runs it.
    pub worker_id: Uuid,
    /// The machine of that process.
    pub host: String,
    /// The id of that process on its machine.
    pub pid: i32,
}

/// A process with a worker; returned by [`SimpleQueue::workers`](crate::SimpleQueue::workers).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerState {
    /// Its id, which is new at every start.
    pub id: Uuid,
    /// Its machine.
    pub host: String,
    /// Its id on that machine.
    pub pid: i32,
    /// The queues that it serves.
    pub queues: Vec<String>,
    /// The release of the library in it.
    pub release: Option<String>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it last said that it is alive.
    pub heartbeat_at: DateTime<Utc>,
    /// Whether its last heartbeat is older than two of its intervals. After six it is declared dead,
    /// and its jobs are returned.
    pub is_silent: bool,
    /// How many jobs it runs at once at most; `None`: it has not said so yet.
    pub permits: Option<usize>,
    /// How many jobs it had at its last heartbeat: those that ran, and those that it had fetched
    /// ahead.
    pub claimed: usize,
    /// Since when it has had as many jobs as permits at each heartbeat; `None`: it had fewer at the
    /// last one.
    pub full_since: Option<DateTime<Utc>>,
}

impl WorkerState {
    /// 2 intervals without a heartbeat: then something is wrong.
    const SILENT_AFTER: u32 = 2;

    pub(crate) fn is_silent(silent_for: Duration, interval: Duration) -> bool {
        silent_for > interval.saturating_mul(Self::SILENT_AFTER)
    }
}

/// Writes one line.
impl fmt::Display for RunningJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job_id, kind, queue, host, attempt, .. } = self;
        write!(f, "{job_id} {kind}")?;
        f.write_str(if kind.is_empty() { "" } else { " " })?;
        write!(
            f,
            "({queue}) on {host}: attempt {attempt}, since {}",
            self.started_at.format("%T")
        )?;
        if let Some(progress) = self.progress {
            write!(f, ", {:.0} %", progress * 100.0)?;
        }
        if let Some(note) = &self.note {
            write!(f, ", {note}")?;
        }
        f.write_str(if self.is_cancelled { ", cancellation requested" } else { "" })
    }
}
