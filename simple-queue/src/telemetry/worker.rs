//! Events of `worker`: its start and stop, its roles, LISTEN.

use std::{fmt::Display, time::Duration};

use uuid::Uuid;

const TARGET: &str = "simple_queue::worker";

pub(crate) fn started(worker_id: Uuid, queues: &[String]) {
    tracing::info!(target: TARGET, %worker_id, ?queues, "worker started");
}

pub(crate) fn started_outside_a_runtime() {
    tracing::error!(
        target: TARGET,
        "`start` was called outside of a tokio runtime and not awaited, so the worker has not started; \
        call `start` within the runtime, or `.await` what it returns"
    );
}

/// On standard error, because most tests have no subscriber.
#[cfg(feature = "testing")]
pub(crate) fn test_did_not_stop_it() {
    eprintln!(
        "the worker of a test was dropped while it worked, so the database of the test may be in use and stay; \
        write `worker.stop().await;` at the end of the test"
    );
}

pub(crate) fn no_handler_registered() {
    tracing::warn!(
        target: TARGET,
        "no handler is registered, so this worker runs no job; \
        call `SimpleQueue::register` or `register_handler`"
    );
}

pub(crate) fn stopping(jobs: usize, deadline: Duration) {
    tracing::info!(target: TARGET, jobs, ?deadline, "worker stopping, no more jobs are fetched");
}

pub(crate) fn limits_failed(error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %error,
        "permits of limits could not be moved, retrying; jobs start under those that this worker holds"
    );
}

pub(crate) fn shutdown_deadline_passed(jobs: usize) {
    tracing::warn!(target: TARGET, jobs, "shutdown deadline passed, running jobs are given back");
}

pub(crate) fn handlers_not_stopped() {
    tracing::error!(
        target: TARGET,
        "handlers block their threads and could not be stopped; other workers will return their jobs"
    );
}

pub(crate) fn outcomes_not_written(jobs: usize) {
    tracing::error!(
        target: TARGET,
        jobs,
        "outcomes could not be written before the stop; other workers will return these jobs"
    );
}

pub(crate) fn outcome_after_the_stop(job_id: Uuid) {
    tracing::warn!(
        target: TARGET,
        %job_id,
        "worker has stopped, outcome discarded; another worker will return the job"
    );
}

pub(crate) fn stopped() {
    tracing::info!(target: TARGET, "worker stopped");
}

pub(crate) fn role_cut_off(error: &dyn Display) {
    tracing::error!(target: TARGET, %error, "worker role cut off");
}

pub(crate) fn role_panicked(role: &str, problem: &str) {
    tracing::error!(
        target: TARGET,
        role,
        problem,
        "worker role panicked, the worker ends; other workers will return its jobs"
    );
}

pub(crate) fn signal_handler_failed(name: &str, error: &dyn Display) {
    tracing::error!(target: TARGET, name, %error, "signal handler could not be installed");
}

pub(crate) fn listen_lost(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "LISTEN connection lost, polling");
}

pub(crate) fn listener_not_closed(error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %error,
        "LISTEN connection was not closed at once; it is closed when its server answers or the system gives it up"
    );
}

pub(crate) fn listen_through_a_pooler(pace: Duration) {
    tracing::warn!(
        target: TARGET,
        ?pace,
        "LISTEN is not possible through a pooler, polling; \
        `direct_url` of `SimpleQueue::builder` takes the URL of the server itself"
    );
}

pub(crate) fn notification_unknown(payload: &str) {
    tracing::debug!(
        target: TARGET,
        payload,
        "unknown notification ignored; a newer release may have sent it"
    );
}
