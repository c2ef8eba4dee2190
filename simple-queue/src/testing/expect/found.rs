//! A job that was found enqueued.

use std::{fmt, ops::Deref};

use crate::{
    job::JobPayload,
    row::{Job, Unread, read_payload},
    store::EnqueuedRow,
};

/// A job that [`assert_enqueued!`](crate::assert_enqueued) has found. It derefs to its stored
/// arguments.
pub struct EnqueuedJob<J> {
    payload: J,
    row: EnqueuedRow,
}

impl<J> EnqueuedJob<J> {
    /// Returns the job as it is stored: its id, queue, due time, keys.
    pub const fn stored(&self) -> &Job {
        &self.row.job
    }

    /// Returns the stored arguments.
    pub fn into_payload(self) -> J {
        self.payload
    }

    pub(super) fn into_row(self) -> EnqueuedRow {
        self.row
    }
}

/// Reads a row, or says why its payload cannot be read.
pub(super) fn read<J: JobPayload>(
    row: EnqueuedRow,
) -> Result<EnqueuedJob<J>, Box<(EnqueuedRow, String)>> {
    match read_payload(&row.job) {
        Ok(payload) => Ok(EnqueuedJob { payload, row }),
        Err(Unread::OfNewerBuild) => Err(Box::new((row, "it has a later version".to_owned()))),
        Err(Unread::Unfit(problem)) => Err(Box::new((row, problem))),
    }
}

impl<J> Deref for EnqueuedJob<J> {
    type Target = J;

    fn deref(&self) -> &J {
        &self.payload
    }
}

impl<J> fmt::Debug for EnqueuedJob<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row.job.fmt(f)
    }
}
