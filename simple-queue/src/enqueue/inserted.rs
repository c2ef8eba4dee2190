//! What became of jobs that were to be stored.

use uuid::Uuid;

/// What became of one job, in the order in which they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// Its id, or that of the live job that has its unique key.
    pub(crate) id: Uuid,
    pub(crate) outcome: EnqueueOutcome,
}

/// Whether an enqueued job is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnqueueOutcome {
    /// It was stored.
    Inserted,
    /// A live job has its unique key already and was left as it is.
    Duplicate,
    /// A live job that has its unique key, and still waits, took over its payload and options.
    Replaced,
    /// A live job that has its unique key, and still waits, was put off.
    Rescheduled,
}
