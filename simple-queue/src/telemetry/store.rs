//! Events of `store`: migrations, and rows that a statement cannot handle. Its spans are those of statements.

use std::{fmt::Display, time::Duration};

use uuid::Uuid;

const TARGET: &str = "simple_queue::store";

/// The span of the statement that moves completed jobs to the archive.
pub(crate) fn archive(jobs: usize) -> tracing::Span {
    tracing::debug_span!(target: TARGET, "archive", jobs)
}

/// The span of the statement that puts running jobs back to pending.
pub(crate) fn retry(jobs: usize) -> tracing::Span {
    tracing::debug_span!(target: TARGET, "retry", jobs)
}

/// The span of the statement that moves running jobs to the dead letters.
pub(crate) fn dead_letter(jobs: usize) -> tracing::Span {
    tracing::debug_span!(target: TARGET, "dead_letter", jobs)
}

/// The span of the statement that looks for due jobs below the floors.
pub(crate) fn sweep(parts: usize) -> tracing::Span {
    tracing::debug_span!(target: TARGET, "sweep", parts)
}

pub(crate) fn migration_held_up(schema: &str, waited: Duration, holders: &str) {
    tracing::warn!(
        target: TARGET,
        schema,
        ?waited,
        holders,
        "migration held up by locks on the tables, retrying; `holders` are the sessions that have them"
    );
}

pub(crate) fn migration_applied(schema: &str, part: &str) {
    tracing::debug!(target: TARGET, schema, part, "migration applied");
}

/// `what` is what the statement could not do with the job: "it could not be claimed".
pub(crate) fn job_set_aside(error: &dyn Display, job_id: Uuid, what: &str) {
    tracing::error!(target: TARGET, %error, %job_id, "{what}: the job was moved to the dead letters; mend it and redrive it");
}

/// As [`job_set_aside`], where the database refuses the move too, by `refused_too`.
pub(crate) fn job_not_set_aside(
    error: &dyn Display,
    job_id: Uuid,
    what: &str,
    refused_too: &dyn Display,
) {
    tracing::error!(target: TARGET, %error, %job_id, %refused_too, "{what}, and the job cannot be moved to the dead letters either; delete it by hand");
}
