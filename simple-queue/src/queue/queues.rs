//! The queues, and how much waits in each.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};

use super::SimpleQueue;
use crate::{
    Error,
    database::again,
    row::{Count, Pause},
    store::QueueRow,
};

/// A queue; returned by [`SimpleQueue::queues`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// Its pause; `None`: it is not paused.
    pub pause: Option<Pause>,
    /// The kinds of it that are paused by themselves.
    pub paused_kinds: Vec<Pause>,
    /// Number of processes that serve it.
    pub workers: u64,
    /// How much waited when it was last looked at; `None`: it was not looked at in the last ten minutes.
    pub depth: Option<Depth>,
}

/// How many jobs waited in a queue at the last look. A process looks once a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// The minute of the look.
    pub at: DateTime<Utc>,
    /// Jobs that were due and not claimed, and jobs that waited for their key; at most 10,000 are counted.
    pub waiting: Count,
    /// Jobs that were due later; at most 10,000 are counted.
    pub later: Count,
    /// For how long the oldest of the waiting jobs had been due.
    pub oldest: Option<Duration>,
}

/// 10,000, up to which jobs are counted; a look writes one more if there are more.
const MOST: u64 = 10_000;

/// # Queues
impl SimpleQueue {
    /// Lists the queues that are known: jobs wait in them, processes serve them, or they were paused.
    ///
    /// The numbers are those of the last look, which one process makes once a minute, because an
    /// exact count of a long queue takes long. [`stats`](SimpleQueue::stats) has what ran.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// for queue in queue.queues().await? {
    ///     println!("{queue}"); // emails: 3 workers, 812 wait, the oldest for 4 s, 10,000+ later
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn queues(&self) -> Result<Vec<QueueState>, Error> {
        let store = self.store();
        let listed = again!(tries => self.ask_for(3, async |connection| {
            let names = store.list_queues(&mut *connection).await?;
            let states = store.list_queue_states(&mut *connection, &names).await?;
            sqlx::Result::Ok((states, store.list_pauses(connection).await?))
        }));
        let (listed, pauses) = listed.map_err(Error::database("list queues"))?;
        Ok(listed.into_iter().map(|row| QueueState::of(row, &pauses)).collect())
    }
}

impl QueueState {
    fn of(row: QueueRow, pauses: &[Pause]) -> Self {
        let count = |stored: Option<i32>| match u64::try_from(stored.unwrap_or(0)).unwrap_or(0) {
            more if more > MOST => Count::AtLeast(MOST),
            all => Count::Exact(all),
        };
        let depth = row.counted_at.map(|at| Depth {
            at,
            waiting: count(row.waiting),
            later: count(row.later),
            oldest: row
                .oldest_ms
                .and_then(|ms| Some(Duration::from_millis(u64::try_from(ms).ok()?))),
        });
        let workers = u64::try_from(row.workers).unwrap_or(0);
        let (paused_kinds, pause): (Vec<Pause>, Vec<Pause>) = pauses
            .iter()
            .filter(|pause| pause.queue == row.name)
            .cloned()
            .partition(|pause| pause.kind.is_some());
        Self { pause: pause.into_iter().next(), paused_kinds, name: row.name, workers, depth }
    }
}

/// Writes one line.
impl fmt::Display for QueueState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.workers == 1 { "" } else { "s" };
        write!(f, "{}: {} worker{plural}", self.name, self.workers)?;
        if let Some(pause) = &self.pause {
            write!(f, ", {pause}")?;
        }
        for pause in &self.paused_kinds {
            write!(f, ", {} {pause}", pause.kind.as_deref().unwrap_or_default())?;
        }
        let Some(Depth { waiting, later, oldest, .. }) = self.depth else {
            return f.write_str(", not counted yet");
        };
        write!(f, ", {waiting} wait")?;
        if let Some(oldest) = oldest {
            write!(f, ", the oldest for {} s", oldest.as_secs())?;
        }
        write!(f, ", {later} later")
    }
}
