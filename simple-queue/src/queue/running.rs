//! The processes that run jobs, and what they run.

use super::SimpleQueue;
use crate::{
    Error,
    database::again,
    row::{RunningJob, WorkerState},
};

/// # What runs
impl SimpleQueue {
    /// Lists the jobs that have been running for long, on all machines, the longest first: each
    /// process tells its hundred longest runs of more than five seconds, every five seconds.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// for job in queue.running().await? {
    ///     println!("{job}"); // 0199… import (imports) on web-1: attempt 1, since 09:14:03, 40 %, page 4
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
    pub async fn running(&self) -> Result<Vec<RunningJob>, Error> {
        let store = self.store();
        let listed =
            again!(tries => self.ask(async |connection| store.list_running(connection).await));
        listed.map_err(Error::database("list running jobs"))
    }

    /// Lists the processes with workers, on all machines, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn workers(&self) -> Result<Vec<WorkerState>, Error> {
        let store = self.store();
        let listed =
            again!(tries => self.ask(async |connection| store.list_workers(connection).await));
        listed.map_err(Error::database("list workers"))
    }
}
