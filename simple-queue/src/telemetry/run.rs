//! Events of `worker/run`: how the run of a job ended, before its outcome is written.

use std::{fmt::Display, time::Duration};

use tracing::{Instrument as _, instrument::Instrumented};
use uuid::Uuid;

const TARGET: &str = "simple_queue::worker::run";

/// The span of one run, in which the handler's own events are.
pub(crate) fn handler_span<F: Future>(
    (job_id, queue, kind, attempt): (Uuid, &str, &str, i32),
    run: F,
) -> Instrumented<F> {
    run.instrument(tracing::info_span!(
        target: TARGET,
        "handler",
        job.id = %job_id,
        job.queue = queue,
        job.kind = kind,
        job.attempt = attempt,
    ))
}

/// The span in which a run waits for the permits of its strategies.
pub(crate) fn permit_span<F: Future>(wait: F) -> Instrumented<F> {
    wait.instrument(tracing::debug_span!(target: TARGET, "permit"))
}

pub(crate) fn completed() {
    tracing::debug!(target: TARGET, "job completed");
}

pub(crate) fn attempt_failed(error: &str, delay: Duration) {
    tracing::warn!(target: TARGET, error, ?delay, "attempt failed, retrying");
}

pub(crate) fn attempt_rolled_back(error: &str, delay: Duration) {
    tracing::warn!(
        target: TARGET,
        error,
        ?delay,
        "attempt rolled back by the database, retrying without counting it"
    );
}

pub(crate) fn given_back(delay: Duration) {
    tracing::debug!(target: TARGET, ?delay, "job goes back to pending");
}

pub(crate) fn dead_lettered(status: &dyn Display, reason: &str, error: Option<&str>) {
    tracing::warn!(target: TARGET, %status, reason, error, "job becomes a dead letter");
}

pub(crate) fn backoff_panicked(panic: &str, attempt: i32) {
    tracing::error!(target: TARGET, panic, attempt, "back-off panicked, the default is used");
}

pub(crate) fn on_exhausted_failed(problem: &str) {
    tracing::error!(
        target: TARGET,
        problem,
        "`on_exhausted` failed, so the handler does not know that its job has failed for good"
    );
}

pub(crate) fn on_exhausted_skipped(error: &dyn Display) {
    tracing::error!(
        target: TARGET,
        %error,
        "`on_exhausted` skipped, because whether the job has failed for good could not be read"
    );
}

pub(crate) fn payload_not_read(job_id: Uuid, error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %job_id,
        %error,
        "long payload could not be read, its job is given back"
    );
}

pub(crate) fn payload_unreadable(job_id: Uuid, reason: &str) {
    tracing::warn!(target: TARGET, %job_id, reason, "job becomes a dead letter");
}

pub(crate) fn suspect_not_started(job_id: Uuid, error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %job_id,
        %error,
        "job that was in several crashes not started, its id could not be written first"
    );
}

pub(crate) fn suspect_not_cleared(error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %error,
        "id of a job that was in several crashes could not be cleared after its run"
    );
}

pub(crate) fn rates_not_held(limits: &str, error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        limits,
        %error,
        "rates could not be held after a job was rate limited, only this job is put off"
    );
}
