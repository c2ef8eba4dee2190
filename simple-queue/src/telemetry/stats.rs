//! Events of the statistics.

use std::fmt::Display;

const TARGET: &str = "simple_queue::stats";

pub(crate) fn failed(error: &dyn Display) {
    tracing::warn!(target: TARGET, %error, "statistics could not be written, retrying");
}

pub(crate) fn last_not_written(error: &dyn Display) {
    tracing::info!(target: TARGET, %error, "the statistics of the last minute could not be written");
}

pub(crate) fn not_counted(queue: &str) {
    tracing::debug!(target: TARGET, queue, "waiting jobs were not counted within the time for it");
}
