//! What a visit says beside the jobs that it claims.

use std::collections::HashMap;

use serde::Deserialize;
use uuid::Uuid;

/// What a visit says beside the jobs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the answer")]
pub(crate) struct VisitSummary {
    /// Number of gates that were visited.
    pub(crate) visited: usize,
    /// More turns have become due than one visit reads.
    pub(crate) has_more: bool,
    /// The gate after which the next visit begins; `None`: this one has reached the end of the ring.
    pub(crate) last: Option<String>,
    /// Number of turns that it has consumed.
    pub(crate) taken: usize,
    /// Number of gates that were left to other processes, which hold them.
    pub(crate) skipped: usize,
    /// Turns are to be written, because the limit was raised.
    pub(crate) turns_owed: bool,
    /// The database knows the limit.
    pub(crate) is_declared: bool,
    /// Jobs behind a failed one are to be cancelled.
    pub(crate) drops_owed: bool,
    /// The key whose share of a round is not used up.
    pub(crate) begun: Option<Begun>,
    /// How many seconds after the statement was sent each job may start, where a rate holds for each key.
    pub(super) start_within: Option<HashMap<Uuid, f64>>,
}

/// How many jobs of this round a key has got, where its share is not used up.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Begun {
    pub(crate) key: String,
    pub(crate) jobs: i64,
}
