//! Waits for the end of a job.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::{FinishedJob, SimpleQueue};
use crate::{
    Error,
    enqueue::Enqueued,
    finalize::ClosedRun,
    job::{BoxDynError, JobPayload, JobStatus},
    retry_pause::{Pauses, RetryPause},
    row::Job,
    telemetry,
};

/// The callers of this process that wait for jobs which may end in it.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Mutex<HashMap<Uuid, (usize, Arc<Notify>)>>,
}

/// Registration of one waiting caller; removed on drop.
struct WaitGuard<'w> {
    waiters: &'w Waiters,
    job_id: Uuid,
    ended: Arc<Notify>,
}

impl Waiters {
    pub(super) fn closed(&self, runs: &[ClosedRun]) {
        let waiting = self.waiting();
        if waiting.is_empty() {
            return;
        }
        for ClosedRun { lease, .. } in runs.iter().filter(|run| run.job_ended) {
            if let Some((_, waiting)) = waiting.get(&lease.job_id) {
                waiting.notify_waiters();
            }
        }
    }

    fn wait(&self, job_id: Uuid) -> WaitGuard<'_> {
        let mut waiting = self.waiting();
        let (count, ended) = waiting.entry(job_id).or_default();
        *count += 1;
        WaitGuard { waiters: self, job_id, ended: Arc::clone(ended) }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, (usize, Arc<Notify>)>> {
        self.waiting.lock()
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.waiting();
        if let Some((count, _)) = waiting.get_mut(&self.job_id) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.job_id);
            }
        }
    }
}

/// 20 ms to 1 s, the pauses between two reads of the tables for a job that ends in another process.
const LOOKS: Pauses =
    Pauses { first: Duration::from_millis(20), longest: Duration::from_secs(1), jitter: 0.0 };

/// # Waiting for a job
impl SimpleQueue {
    /// Waits until a job has ended, in whatever process, and returns its end.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use simple_queue::{JobStatus, prelude::*};
    /// # async fn example(queue: &SimpleQueue) -> Result<(), BoxDynError> {
    /// let id = queue.insert_job(Job::new("reports", 7)).await?.ok_or("there is one already")?;
    /// let ended = queue.wait(id, Duration::from_secs(30)).await?;
    /// assert_eq!(ended.status, JobStatus::Completed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::WaitTimedOut`] when it has not ended in time; [`Error::UnknownJob`] when no table
    /// has it; or when the database fails permanently.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn wait(&self, job_id: Uuid, timeout: Duration) -> Result<FinishedJob, Error> {
        let end = self.wait_at_most(job_id, timeout).await?;
        let result = end.result.as_ref().map(|_| end.read()).transpose()?;
        Ok(FinishedJob { status: end.status, result, reason: end.reason })
    }

    async fn wait_at_most(&self, job_id: Uuid, timeout: Duration) -> Result<StoredEnd, Error> {
        match tokio::time::timeout(timeout, self.wait_for_end(job_id)).await {
            Ok(end) => end,
            Err(_) => Err(Error::WaitTimedOut { job_id, timeout }),
        }
    }

    async fn wait_for_end(&self, job_id: Uuid) -> Result<StoredEnd, Error> {
        let mut pause = RetryPause::new(LOOKS);
        let waiting = self.waiters().wait(job_id);
        loop {
            // Subscribed before the read, so that an end between the read and the wait is not
            // missed.
            let ended = waiting.ended.notified();
            match self.end(job_id).await {
                Err(error) if error.is_transient() => {
                    telemetry::queue::status_read_failed(&error, job_id);
                }
                Err(error) => return Err(error),
                Ok((status, result, reason)) if status.is_final() => {
                    return Ok(StoredEnd { job_id, status, result, reason });
                }
                Ok(_) => {}
            }
            tokio::select! {
                () = ended => {}
                () = tokio::time::sleep(pause.next()) => {}
            }
        }
    }

    /// Stores a job; the receiver is ready when the job has ended. Returns `None` if a live job has
    /// its unique key.
    ///
    /// # Errors
    /// When the job cannot be stored, or the database fails.
    pub async fn insert_job_and_wait(
        &self,
        job: Job,
    ) -> Result<Option<(oneshot::Receiver<()>, Uuid)>, BoxDynError> {
        Ok(self.insert_jobs_and_wait(vec![job]).await?.pop())
    }

    /// Stores jobs together; each receiver is ready when its job has ended.
    ///
    /// # Errors
    /// When one of them cannot be stored, or the database fails.
    pub async fn insert_jobs_and_wait(
        &self,
        jobs: Vec<Job>,
    ) -> Result<Vec<(oneshot::Receiver<()>, Uuid)>, BoxDynError> {
        let ids = self.insert_jobs(jobs).await?;
        Ok(ids.into_iter().map(|id| (self.receiver(id), id)).collect())
    }

    fn receiver(&self, job_id: Uuid) -> oneshot::Receiver<()> {
        let (mut sender, receiver) = oneshot::channel();
        let queue = self.clone();
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = queue.wait_for_end(job_id) => ended,
                () = sender.closed() => return,
            };
            match ended {
                Ok(StoredEnd { status, .. }) => {
                    if sender.send(()).is_err() {
                        telemetry::queue::waiter_gone(job_id, status);
                    }
                }
                // Dropping the sender tells the receiver that there is no end to wait for.
                Err(error) => telemetry::queue::wait_failed(&error, job_id),
            }
        });
        receiver
    }
}

impl<J: JobPayload<Output: DeserializeOwned>> Enqueued<J> {
    /// Waits until the job has completed, in whatever process, and returns what its function
    /// returned.
    ///
    /// A job that was enqueued in a transaction is not visible before the commit.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use simple_queue::prelude::*;
    /// #[job(queue = "reports")]
    /// async fn count_words(text: String) -> Result<usize, BoxDynError> {
    ///     Ok(text.split_whitespace().count())
    /// }
    ///
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let job = CountWords::new("durable background jobs").enqueue(queue).await?;
    /// let words: usize = job.wait(queue, Duration::from_secs(30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotCompleted`] when it ended in another way, [`Error::UnreadableResult`] when the
    /// stored result has another type than this build's, and those of [`SimpleQueue::wait`].
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn wait(&self, queue: &SimpleQueue, timeout: Duration) -> Result<J::Output, Error> {
        let job_id = self.id();
        let end = queue.wait_at_most(job_id, timeout).await?;
        if end.status != JobStatus::Completed {
            let status = end.status;
            let reason = end.reason.unwrap_or_default();
            return Err(Error::NotCompleted { job_id, status, reason });
        }
        end.read()
    }
}

/// The stored end of a job.
struct StoredEnd {
    job_id: Uuid,
    status: JobStatus,
    /// JSON text, because a `serde_json::Value` cannot hold every number that can be stored.
    result: Option<String>,
    reason: Option<String>,
}

impl StoredEnd {
    /// Reads the result; without one, the value that a handler without a result returns.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let job_id = self.job_id;
        serde_json::from_str(self.result.as_deref().unwrap_or("null"))
            .map_err(|error| Error::UnreadableResult { job_id, error })
    }
}
