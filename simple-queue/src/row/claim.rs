//! What a process has of a job that it claimed.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::RunSignal;

/// What a fetched job carries beside what its handler reads.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) lease: Lease,
    pub(crate) timeout: Option<Duration>,
    pub(crate) reprocess_count: i32,
    pub(crate) crash_count: i32,
    /// It is of no use to anybody any more.
    pub(crate) expired: bool,
    pub(crate) run: Arc<RunSignal>,
}

/// The right to change a running job: every change into or out of running gives it a new number, so
/// a process that was taken for dead can no longer write over its successor's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) job_id: Uuid,
    pub(crate) worker_id: Uuid,
    pub(crate) number: i64,
}
