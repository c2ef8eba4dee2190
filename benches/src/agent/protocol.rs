//! What the bench and its agents say to each other: a line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::contestant::{Duty, Placement};

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

/// What the handler does besides decoding and counting.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct HandlerKind {
    /// How long it takes; not with the jobs of which it notes when they began.
    pub(crate) job_ms: u64,
    /// It notes when each job with a smaller number than this began.
    pub(crate) arrivals_below: u64,
    /// It notes when each tenth of so many jobs was done; 0: never.
    pub(crate) tenths_of: u64,
    /// A file that gets the number of each job that begins, and keeps it when the process is killed.
    pub(crate) log: Option<PathBuf>,
}

/// An order to enqueue jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Production {
    /// The number of the first job.
    pub(crate) first: u64,
    pub(crate) jobs: u64,
    pub(crate) placement: Placement,
    /// The jobs are spread over so many queues, beginning with that of the placement.
    pub(crate) queues: usize,
    /// No call begins after so many seconds.
    pub(crate) seconds: Option<u64>,
    pub(crate) manner: Manner,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// So many in one call, one call after the other.
    Bulk { chunk: u64 },
    /// One in a call, so many calls at once, each begun when one has ended.
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

/// When jobs ran, since the last time that was asked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Times {
    /// The number of each job, and how many microseconds after it was due it began.
    pub(crate) late_us: Vec<(u64, i64)>,
    /// When the first job and each tenth of all were done, on the machine's monotonic clock.
    pub(crate) tenths_ns: Vec<u64>,
}
