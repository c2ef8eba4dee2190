//! The interface to a queue's spool.

use std::sync::Arc;

use super::SimpleQueue;
use crate::{
    Error,
    enqueue::spool::{SpoolStatus, Spooler},
};

/// The jobs of a queue that wait in files for the database; [`SimpleQueue::spool`] returns it.
#[derive(Debug, Clone)]
pub struct QueueSpool {
    spooler: Option<Arc<Spooler>>,
}

/// # Jobs that wait for the database
impl SimpleQueue {
    /// Returns the queue's spool, which [`SimpleQueueBuilder::spool`](crate::SimpleQueueBuilder::spool)
    /// sets. Without one it is empty.
    ///
    /// ```
    /// # async fn example(queue: simple_queue::SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let status = queue.spool().status();
    /// println!("{} jobs wait since {:?}", status.jobs, status.oldest);
    /// queue.spool().flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spool(&self) -> QueueSpool {
        QueueSpool { spooler: self.spooler().cloned() }
    }
}

impl SimpleQueue {
    /// Starts to flush the spool, if there is one and a runtime to do it on.
    pub(crate) fn flush_spool_in_background(&self) {
        if let Some(spooler) = self.spooler() {
            spooler.flush_in_background();
        }
    }
}

impl QueueSpool {
    /// Returns what waits. It asks neither the database nor the disk.
    pub fn status(&self) -> SpoolStatus {
        self.spooler.as_ref().map(|spooler| spooler.status()).unwrap_or_default()
    }

    /// Writes all waiting jobs to the database now, also those that dead processes left in the
    /// directory. Returns how many this call wrote. There is no need to call it: the queue flushes by
    /// itself when the database is back.
    ///
    /// # Errors
    /// When the database cannot be reached, or does not take the jobs, they go on waiting.
    /// [`Error::Spool`] when a file cannot be read or removed.
    ///
    /// # Cancel safety
    /// Cancel safe: jobs that were written but not marked so are found by their ids.
    pub async fn flush(&self) -> Result<u64, Error> {
        match &self.spooler {
            Some(spooler) => spooler.flush_now().await,
            None => Ok(0),
        }
    }
}
