//! Events of `enqueue`, and the span of an enqueue.

use std::fmt::Display;

use tracing::{Instrument as _, instrument::Instrumented};

const TARGET: &str = "simple_queue::enqueue";

/// Runs an enqueue in its span.
pub(crate) fn enqueue_span<F: Future>(jobs: usize, enqueue: F) -> Instrumented<F> {
    enqueue.instrument(tracing::info_span!(target: TARGET, "enqueue", jobs))
}

/// The caller dropped its future; the job is stored or refused all the same.
pub(crate) fn caller_gone() {
    tracing::trace!(target: TARGET, "enqueue answered, its caller is gone");
}

/// The server gives no connection outside the pool.
pub(crate) fn connection_refused(error: &dyn Display) {
    tracing::debug!(target: TARGET, %error, "no connection outside the pool, enqueueing on the pool");
}

/// Jobs were cancelled by id, key or fingerprint.
pub(crate) fn jobs_cancelled(cancelled: i64, requested: i64) {
    tracing::info!(target: TARGET, cancelled, requested, "cancelled waiting jobs, requested the end of running jobs");
}

/// A lost notification costs time only: workers poll.
pub(crate) fn notify_failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "NOTIFY failed, other workers find the jobs when they poll");
}
