//! Events of `finalize`: outcomes that are written late, refused or discarded.

use std::fmt::Display;

use uuid::Uuid;

const TARGET: &str = "simple_queue::finalize";

/// The span of one pass over the runs that are due.
pub(crate) fn pass(runs: usize) -> tracing::Span {
    tracing::debug_span!(target: TARGET, "finalize", runs)
}

pub(crate) fn write_postponed(error: &dyn Display, runs: usize) {
    tracing::warn!(target: TARGET, %error, runs, "transient failure to write finished runs, retrying; no new jobs start meanwhile");
}

pub(crate) fn lease_lost(job_id: Uuid, lease: i64) {
    tracing::warn!(target: TARGET, %job_id, lease, "lease lost, outcome discarded: another process has the job");
}

pub(crate) fn table_refuses(error: &dyn Display, runs: usize) {
    tracing::error!(target: TARGET, %error, runs, "finished runs cannot be written, retrying; their jobs stay `running`, and no new jobs start meanwhile");
}

pub(crate) fn run_refused(error: &dyn Display, job_id: Uuid, refusals: u32) {
    tracing::error!(target: TARGET, %error, %job_id, refusals, "the end of this job cannot be written, retrying; it stays `running`");
}

pub(crate) fn partitions_made(made: i32) {
    tracing::debug!(target: TARGET, made, "archive partitions checked");
}

pub(crate) fn partitions_not_made(error: &dyn Display) {
    tracing::error!(target: TARGET, %error, "archive partitions cannot be created, retrying");
}
