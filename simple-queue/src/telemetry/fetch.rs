//! Events of `worker/fetch`: claims, sweeps, jobs that no handler takes.

use std::fmt::Display;

use tracing::{Instrument as _, instrument::Instrumented};

const TARGET: &str = "simple_queue::worker::fetch";

/// The span of one claim.
pub(crate) fn fetch_span<F: Future>(queues: usize, limit: usize, claim: F) -> Instrumented<F> {
    claim.instrument(tracing::debug_span!(target: TARGET, "fetch", queues, limit))
}

/// The span of one visit of a limit for each key.
pub(crate) fn visit_span<F: Future>(limit: &str, permits: usize, visit: F) -> Instrumented<F> {
    visit.instrument(tracing::debug_span!(target: TARGET, "visit", limit, permits))
}

pub(crate) fn visit_failed(limit: &str, error: &dyn Display) {
    tracing::warn!(target: TARGET, limit, %error, "visit of the limit's keys failed, retrying");
}

pub(crate) fn look_for_turns_failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "look for keys with jobs failed, all limits are visited");
}

pub(crate) fn sequences_dropped(limit: &str, jobs: i64) {
    tracing::warn!(target: TARGET, limit, jobs, "jobs were cancelled because one before them in their sequence failed");
}

pub(crate) fn failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "fetch failed, retrying");
}

pub(crate) fn claim_refused(queue: &str, error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        queue,
        %error,
        "claim of this queue refused, its jobs are claimed in parts"
    );
}

pub(crate) fn lost_claim_returned(returned: i64) {
    tracing::warn!(target: TARGET, returned, "claim response lost, its jobs are returned");
}

pub(crate) fn lost_claim_not_returned(error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %error,
        "claim response lost, its jobs could not be returned, retrying"
    );
}

pub(crate) fn sweep_failed(error: &dyn Display) {
    tracing::debug!(target: TARGET, %error, "sweep failed, retrying");
}

pub(crate) fn sweep_late() {
    tracing::debug!(target: TARGET, "sweep not answered in time, fetching from the present on");
}

pub(crate) fn part_timed_out(queue: &str, priority: i16, width: u32) {
    tracing::debug!(
        target: TARGET,
        queue,
        priority,
        width,
        "sweep of a lane timed out, it is read in slices"
    );
}

pub(crate) fn kind_unhandled(queue: &str, kind: &str, since: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        queue,
        kind,
        %since,
        "jobs of a kind that this process does not run have been due for a while; \
        list it in `jobs![…]`, or ignore this if another process runs it"
    );
}

pub(crate) fn queue_unserved(queue: &str, since: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        queue,
        %since,
        "jobs have been due for a while in a queue that no worker serves; \
        register their handler in some process"
    );
}

pub(crate) fn unhandled_kinds_failed(error: &dyn Display) {
    tracing::debug!(
        target: TARGET,
        %error,
        "search for jobs that no process runs failed, retrying in a minute"
    );
}
