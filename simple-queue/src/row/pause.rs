//! What is paused.

use std::fmt;

use chrono::{DateTime, Utc};

/// A pause of a queue, or of a kind in it; [`SimpleQueue::pauses`](crate::SimpleQueue::pauses) lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// The queue.
    pub queue: String,
    /// The kind of which no job starts; `None`: no job of the queue does.
    pub kind: Option<String>,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it ends by itself; `None`: when it is ended by a call.
    pub until: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
    /// Who paused it; `None`: the program did.
    pub by: Option<String>,
}

/// Writes a part of a line: `paused since 2026-11-29 10:00 by ann until 11:00: the provider is down`.
impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paused since {}", self.since.format("%F %R"))?;
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        if let Some(until) = self.until {
            write!(f, " until {}", until.format("%F %R"))?;
        }
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}
