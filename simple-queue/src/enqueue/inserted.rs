//! Results of inserts.

use uuid::Uuid;

/// Result of one job's insert; results are in the order of the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// Its id, or the id of the job that has its unique key.
    pub(crate) id: Uuid,
    pub(crate) outcome: EnqueueOutcome,
}

/// Whether an enqueued job is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnqueueOutcome {
    /// The job was stored.
    Inserted,
    /// Another job has its unique key and stays as it is: a live job, or one that
    /// [keeps the key](crate::JobOptions::unique_for) and may have ended.
    Duplicate,
    /// A live job has its unique key and still waits; it took over the new payload and options.
    Replaced,
    /// A live job has its unique key and still waits; it was put off.
    Rescheduled,
    /// The database could not be reached, so the job is in a file of the
    /// [spool](crate::SimpleQueueBuilder::spool). It is stored when the database is back.
    Spooled,
}
