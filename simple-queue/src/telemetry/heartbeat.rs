//! Events of `worker/heartbeat`: the worker's row, beats that fail, threads that are blocked.

use std::{fmt::Display, time::Duration};

use tracing::{Instrument as _, instrument::Instrumented};
use uuid::Uuid;

const TARGET: &str = "simple_queue::worker::heartbeat";

/// The span of one heartbeat.
pub(crate) fn heartbeat_span<F: Future>(beat: F) -> Instrumented<F> {
    beat.instrument(tracing::debug_span!(target: TARGET, "heartbeat"))
}

pub(crate) fn registration_failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "worker registration failed, retrying");
}

pub(crate) fn not_registered() {
    tracing::error!(target: TARGET, "worker could not be registered");
}

pub(crate) fn failed(error: &dyn Display, silent_for: Duration) {
    tracing::warn!(target: TARGET, %error, ?silent_for, "heartbeat failed, retrying");
}

pub(crate) fn refused(error: &dyn Display) {
    tracing::error!(
        target: TARGET,
        %error,
        "heartbeat refused, perhaps because of another worker's row; one that touches only its own row is sent"
    );
}

pub(crate) fn lost(error: &dyn Display, silent_for: Duration, jobs: usize) {
    tracing::error!(
        target: TARGET,
        %error,
        ?silent_for,
        jobs,
        "heartbeat lost, running jobs are abandoned and none are claimed, \
        because other workers will declare this one dead"
    );
}

pub(crate) fn declared_dead(worker_id: Uuid) {
    tracing::error!(
        target: TARGET,
        %worker_id,
        "worker declared dead by another one, its jobs are abandoned; it goes on under a new id"
    );
}

pub(crate) fn reaper_gone() {
    tracing::error!(target: TARGET, "reaper of this worker is gone");
}

pub(crate) fn row_not_removed(worker_id: Uuid, error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %worker_id,
        %error,
        "worker row could not be removed; another worker will remove it"
    );
}

pub(crate) fn thread_not_started(error: &dyn Display) {
    tracing::error!(
        target: TARGET,
        %error,
        "heartbeat thread could not be started; other workers will take this worker's jobs"
    );
}

pub(crate) fn runtime_not_built(error: &dyn Display) {
    tracing::error!(
        target: TARGET,
        %error,
        "heartbeat runtime could not be built; other workers will take this worker's jobs"
    );
}

pub(crate) fn thread_gone() {
    tracing::error!(target: TARGET, "heartbeat thread is gone");
}

pub(crate) fn ended_with_its_runtime() {
    tracing::debug!(target: TARGET, "heartbeat ended with the runtime");
}

pub(crate) fn runtime_blocked(blocked_for: Duration, jobs: usize) {
    tracing::warn!(
        target: TARGET,
        ?blocked_for,
        jobs,
        "runtime blocked: handlers block its threads, and no task makes progress; \
        use `tokio::task::spawn_blocking` for work that does not await. \
        Their jobs stay this worker's own, but cannot be cancelled or stopped meanwhile"
    );
}

pub(crate) fn pauses_not_ended(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "pauses whose time is over could not be ended; the next heartbeat tries again");
}

pub(crate) fn kinds_not_declared(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "the kinds of jobs could not be declared, so other processes may show hidden arguments of new ones; trying again");
}

pub(crate) fn runs_not_told(error: &dyn Display) {
    tracing::debug!(target: TARGET, %error, "long runs could not be listed");
}
