//! Events of `queue`: an operator's calls, jobs of later builds, callers that wait for an end.

use std::fmt::Display;

use uuid::Uuid;

use crate::job::JobStatus;

const TARGET: &str = "simple_queue::queue";

/// A pause succeeded for a name that nothing knows.
pub(crate) fn unknown_queue_paused(queue: &str) {
    tracing::warn!(target: TARGET, queue, "paused an unknown queue: no worker serves it and it has no jobs");
}

/// A handler of this build cannot read the payload of a later one.
pub(crate) fn later_version_found(version: i32, known: i32) {
    tracing::warn!(target: TARGET, version, known, "payload of a later build, job waits for a process of that build");
}

/// A caller that waits for a job's end reads again.
pub(crate) fn status_read_failed(error: &dyn Display, job_id: Uuid) {
    tracing::debug!(target: TARGET, %error, %job_id, "transient failure to read the status of a job, retrying");
}

/// A caller dropped the receiver of a job's end.
pub(crate) fn waiter_gone(job_id: Uuid, status: JobStatus) {
    tracing::trace!(target: TARGET, %job_id, %status, "job ended, its waiter is gone");
}

/// The receiver of a job's end is closed without an answer.
pub(crate) fn wait_failed(error: &dyn Display, job_id: Uuid) {
    tracing::warn!(target: TARGET, %error, %job_id, "cannot wait for the end of a job");
}
