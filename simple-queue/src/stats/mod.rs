//! How many runs ended in which way, and how long they waited and took: counted in memory, added up in the database.
//!
//! A run is counted when its end is written. A process adds its counts to the row of the minute, the queue and the kind
//! once a minute, so a job costs nothing in the database, and a process that is killed loses the last minute.

mod histogram;
mod tally;

pub use histogram::Histogram;
pub(crate) use histogram::LatencyBins;
pub(crate) use tally::{Counted, SeriesId, Tally};

use std::time::Duration;

/// A run as it is counted when its end is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) series: SeriesId,
    /// Milliseconds from the time at which the job was due to its claim.
    pub(crate) waited: u32,
    /// Milliseconds from the start of the handler to its end.
    pub(crate) ran: u32,
}

impl Measured {
    pub(crate) fn new(series: SeriesId, waited: Duration, ran: Duration) -> Self {
        let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        Self { series, waited: millis(waited), ran: millis(ran) }
    }
}

/// How a run ended, as it is counted. A job that was given back without having run is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    Completed,
    /// The attempt failed, and another one follows.
    Retried,
    /// The handler put the job off.
    Snoozed,
    /// The job failed for good.
    Dead,
    Cancelled,
}
