//! Events of the spool: jobs that wait in files for the database.

use std::{fmt::Display, time::Duration};

const TARGET: &str = "simple_queue::spool";

/// The first job was spooled since the database was last reached.
pub(crate) fn began(directory: &dyn Display) {
    tracing::warn!(target: TARGET, %directory, "the database cannot be reached, jobs are spooled");
}

/// The callers get the errors of their enqueues.
pub(crate) fn not_kept(jobs: usize, error: &dyn Display) {
    tracing::error!(target: TARGET, jobs, %error, "jobs could not be spooled, their enqueues fail");
}

pub(crate) fn flushed(jobs: u64, took: Duration) {
    tracing::info!(target: TARGET, jobs, ?took, "spooled jobs written to the database");
}

/// Expected while the database is away.
pub(crate) fn flush_retried(error: &dyn Display) {
    tracing::debug!(target: TARGET, %error, "spooled jobs could not be written to the database, retrying");
}

/// The database can be reached, or the files cannot be read.
pub(crate) fn not_flushed(error: &dyn Display) {
    tracing::error!(target: TARGET, %error, "spooled jobs cannot be written to the database, retrying");
}

pub(crate) fn looks_again() {
    tracing::trace!(target: TARGET, "looking for files of processes that have died");
}

pub(crate) fn set_aside(file: &dyn Display, jobs: usize) {
    tracing::error!(target: TARGET, %file, jobs, "spooled jobs were refused, they are set aside with the reasons");
}

pub(crate) fn taken_over(file: &dyn Display, jobs: u64) {
    tracing::warn!(target: TARGET, %file, jobs, "spooled jobs of a process that has died are taken over");
}

pub(crate) fn not_taken_over(file: &dyn Display, error: &dyn Display) {
    tracing::error!(target: TARGET, %file, %error, "a file of the spool cannot be taken over");
}

pub(crate) fn foreign(file: &dyn Display) {
    tracing::warn!(
        target: TARGET,
        %file,
        "a file of the spool is of another database, schema or release, it is left alone"
    );
}

/// The end of a file that was being written when its process or its machine died.
pub(crate) fn torn(file: &dyn Display, kept: u64, cut: usize) {
    tracing::warn!(
        target: TARGET,
        %file,
        kept,
        cut,
        "a file of the spool ends in a part of a record, which is kept beside it as .bad"
    );
}

/// A crash now repeats what was written; the ids of the jobs make that harmless.
pub(crate) fn not_marked(file: &dyn Display, error: &dyn Display) {
    tracing::warn!(target: TARGET, %file, %error, "progress could not be recorded in a file of the spool");
}

/// The jobs may be enqueued although their callers got an error.
pub(crate) fn not_taken_back(file: &dyn Display, error: &dyn Display) {
    tracing::error!(target: TARGET, %file, %error, "jobs that could not be spooled were left in a file of the spool");
}

pub(crate) fn not_removed(file: &dyn Display, error: &dyn Display) {
    tracing::warn!(target: TARGET, %file, %error, "an empty file of the spool could not be removed");
}

pub(crate) fn in_memory(directory: &dyn Display, file_system: &str) {
    tracing::warn!(
        target: TARGET,
        %directory,
        file_system,
        "the spool is in memory, a restart of the machine loses its jobs"
    );
}

pub(crate) fn in_a_layer(directory: &dyn Display, file_system: &str) {
    tracing::warn!(
        target: TARGET,
        %directory,
        file_system,
        "the spool is in the layer of a container, and its jobs are lost when the container is removed: use a volume"
    );
}
