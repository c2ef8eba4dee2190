//! What a drain has run.

use std::{collections::HashMap, fmt};

use uuid::Uuid;

use super::Run;
use crate::job::JobPayload;

/// What a [drain](super::TestQueue::drain) has run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Drained {
    /// The runs, in the order in which they ended.
    pub runs: Vec<Run>,
    /// What is left of the jobs that it could have run.
    pub left: Left,
}

/// How many jobs a drain has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Left {
    /// They are due, and could not start: their queue or limit is paused, their limit is full, their
    /// rate has no token, or the drain had enough.
    pub due: usize,
    /// They are due later.
    pub later: usize,
}

impl Drained {
    /// Checks that this many jobs are completed, and that the last run of no other had an error.
    ///
    /// # Panics
    /// With all runs, when it is not so.
    #[track_caller]
    pub fn expect_completed(&self, jobs: usize) -> &Self {
        let completed = self.runs.iter().filter(|run| run.is_completed()).count();
        let mut last: HashMap<Uuid, &Run> = HashMap::new();
        last.extend(self.runs.iter().map(|run| (run.job_id, run)));
        let failed = last.values().filter(|run| run.error.is_some()).count();
        match (completed == jobs, failed) {
            (true, 0) => self,
            (true, failed) => panic!("{jobs} completed, and {failed} failed; {self}"),
            (false, _) => panic!("{completed} completed, not {jobs}; {self}"),
        }
    }

    /// Returns the runs of this kind.
    pub fn of<J: JobPayload>(&self) -> Vec<&Run> {
        self.runs.iter().filter(|run| run.is_of::<J>()).collect()
    }

    /// Returns the errors of all runs, in their order.
    pub fn errors(&self) -> Vec<&str> {
        self.runs.iter().filter_map(|run| run.error.as_deref()).collect()
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// 20 runs, upper bound of those that are listed.
        const MOST: usize = 20;
        match self.runs.len() {
            0 => f.write_str("nothing ran")?,
            1 => f.write_str("one run:")?,
            runs => write!(f, "{runs} runs:")?,
        }
        for run in self.runs.iter().take(MOST) {
            write!(f, "\n  {run}")?;
        }
        if self.runs.len() > MOST {
            write!(f, "\n  and {} more", self.runs.len() - MOST)?;
        }
        let Left { due, later } = self.left;
        if due > 0 {
            write!(f, "\n{due} due and not started")?;
        }
        if later > 0 {
            write!(f, "\n{later} due later: `advance`, or `drain().including_later()`")?;
        }
        Ok(())
    }
}
