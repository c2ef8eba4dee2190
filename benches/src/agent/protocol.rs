//! What the bench and its agents say to each other: a line of JSON each.

use serde::{Deserialize, Serialize};

use crate::contestant::{Duty, HandlerKind, Placement, Times};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Make the tables.
    Migrate,
    /// Start a worker.
    Work { duty: Duty, handler: HandlerKind },
    /// Stop it and write everything that is over.
    StopWork,
    /// Enqueue.
    Produce(Production),
    /// Say how far the worker is.
    Look,
    /// Give away what was noted of the time at which jobs ran, and begin anew.
    Times,
}

/// An order to enqueue jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Production {
    /// The number of the first job.
    pub(crate) first: u64,
    pub(crate) jobs: u64,
    pub(crate) placement: Placement,
    /// The number of queues that the jobs are spread over, beginning with that of the placement.
    pub(crate) queues: usize,
    /// The seconds after which no call begins.
    pub(crate) seconds: Option<u64>,
    pub(crate) manner: Manner,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// So many in one call, one call after the other.
    Bulk { chunk: u64 },
    /// One job in a call, and this many calls at once, each begun when one has ended.
    Callers { callers: u64 },
    /// One in a call, begun at a fixed rate, however long the calls before take.
    Paced { per_second: f64 },
    /// As paced, each in a transaction that stays open for 1 to 500 ms.
    Held { per_second: f64 },
}

impl Production {
    pub(crate) fn new(jobs: u64, manner: Manner) -> Self {
        Self { first: 0, jobs, placement: Placement::default(), queues: 1, seconds: None, manner }
    }

    pub(crate) fn bulk(jobs: u64) -> Self {
        Self::new(jobs, Manner::Bulk { chunk: 1000 })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done { finished: u64, cpu_ns: u64 },
    Produced { produced: Produced, cpu_ns: u64 },
    Times(Times),
    Failed { error: String },
}

/// What became of a [`Production`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Produced {
    pub(crate) jobs: u64,
    /// How long each call took, where calls were for single jobs.
    pub(crate) calls_us: Vec<u32>,
}
