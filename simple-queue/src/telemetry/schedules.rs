//! Events of schedules.

use std::fmt::Display;

const TARGET: &str = "simple_queue::schedules";

pub(crate) fn failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "jobs of schedules could not be enqueued, retrying");
}

pub(crate) fn ticked(schedules: usize, jobs: i64) {
    tracing::debug!(target: TARGET, schedules, jobs, "jobs of schedules enqueued");
}

pub(crate) fn unreadable(schedule: &str, error: &dyn Display) {
    tracing::error!(target: TARGET, schedule, %error, "schedule cannot be read, it does not fire in this process");
}

pub(crate) fn ended(schedule: &str) {
    tracing::warn!(target: TARGET, schedule, "schedule never fires again");
}

pub(crate) fn backfill_cut(schedule: &str, ticks: usize) {
    tracing::warn!(
        target: TARGET,
        schedule,
        ticks,
        "more ticks of the schedule were late than are backfilled, the earlier ones are left out"
    );
}

pub(crate) fn too_many_wait(schedule: &str, ticks: i32) {
    tracing::warn!(
        target: TARGET,
        schedule,
        ticks,
        "ticks of the schedule wait for earlier jobs, as many as can, later ones are left out"
    );
}

pub(crate) fn refused(schedule: &str, error: &dyn Display) {
    tracing::warn!(target: TARGET, schedule, %error, "job of a schedule could not be enqueued, retrying");
}

pub(crate) fn not_declared(schedule: &str, since: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        schedule,
        %since,
        "no worker has declared the schedule for a day, but it still fires; \
        `queue.schedules().remove(..)` removes it"
    );
}
