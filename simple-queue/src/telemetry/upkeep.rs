//! Events of `upkeep`: jobs of dead workers that are returned, history that is deleted.

use std::fmt::Display;

use tracing::{Instrument as _, instrument::Instrumented};

const TARGET: &str = "simple_queue::upkeep";

/// The span of one reaping.
pub(crate) fn reaper_span<F: Future>(dead: usize, reaping: F) -> Instrumented<F> {
    reaping.instrument(tracing::info_span!(target: TARGET, "reaper", dead))
}

/// The span of one pass of the janitor.
#[cfg(feature = "janitor")]
pub(crate) fn janitor_span<F: Future>(pass: F) -> Instrumented<F> {
    pass.instrument(tracing::debug_span!(target: TARGET, "janitor"))
}

pub(crate) fn reaper_failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "jobs of dead workers could not be returned, retrying");
}

pub(crate) fn reaping_refused(error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %error,
        "dead workers could not be removed together, removing them one by one"
    );
}

pub(crate) fn return_refused(jobs: usize, error: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        jobs,
        %error,
        "jobs of dead workers could not be returned together, returning them in parts"
    );
}

pub(crate) fn reaped(workers: i64, returned: i64, dead_lettered: i64) {
    tracing::warn!(
        target: TARGET,
        workers,
        returned,
        dead_lettered,
        "dead workers found, their jobs are returned"
    );
}

/// One of the rows cannot be handled; the next bites are smaller, until it is alone and is left alone.
pub(crate) fn act_refused(error: &dyn Display, jobs: usize) {
    tracing::warn!(target: TARGET, %error, jobs, "act on many jobs refused, trying it with fewer of them");
}

#[cfg(feature = "janitor")]
pub(crate) fn forgotten_act_found(act: &dyn Display) {
    tracing::info!(target: TARGET, %act, "act on many jobs found whose process has stopped, going on with it");
}

#[cfg(feature = "janitor")]
pub(crate) fn janitor_failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "history could not be cleaned up, retrying");
}

#[cfg(feature = "janitor")]
pub(crate) fn history_cleaned_up(
    partitions_made: i32,
    partitions_dropped: usize,
    archived_deleted: i64,
    dead_letters_deleted: i64,
    kept_keys_deleted: i64,
) {
    tracing::info!(
        target: TARGET,
        partitions_made,
        partitions_dropped,
        archived_deleted,
        dead_letters_deleted,
        kept_keys_deleted,
        "history cleaned up"
    );
}

#[cfg(feature = "janitor")]
pub(crate) fn day_not_dropped(day: &dyn Display, error: &dyn Display) {
    tracing::info!(
        target: TARGET,
        %day,
        %error,
        "old day of the archive could not be dropped yet, retrying in the next pass"
    );
}
