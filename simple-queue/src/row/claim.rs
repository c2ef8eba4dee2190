//! A job that a process has claimed.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::RunSignal;

/// What a fetched job carries beside the columns that its handler reads.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) lease: Lease,
    pub(crate) timeout: Option<Duration>,
    pub(crate) reprocess_count: i32,
    pub(crate) crash_count: i32,
    /// Past its `expires_at`.
    pub(crate) expired: bool,
    pub(crate) run: Arc<RunSignal>,
}

/// The right to change a running job. Every change into or out of running gives the job a new number, so a process that
/// was declared dead cannot overwrite its successor's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) job_id: Uuid,
    pub(crate) worker_id: Uuid,
    pub(crate) number: i64,
    /// The limit for each key under which the job was claimed.
    pub(crate) rule: Option<RuleId>,
}

/// The number of a limit for each key in the registry of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RuleId(pub(crate) usize);
