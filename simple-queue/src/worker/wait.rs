//! Waiting for a job's end.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    finalize::Settled,
    job::{BoxDynError, JobStatus},
    row::Job,
};

/// Who waits in this process for jobs that may end in it.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Mutex<HashMap<Uuid, Vec<oneshot::Sender<JobStatus>>>>,
}

impl Waiters {
    pub(super) fn settled(&self, Settled { lease, ended }: Settled) {
        let (job_id, Some(status)) = (lease.job_id, ended) else {
            return;
        };
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&job_id);
        for waiter in waiting.into_iter().flatten() {
            if waiter.send(status).is_err() {
                tracing::trace!(%job_id, "nobody waits for this job any more");
            }
        }
    }

    fn wait(&self, job_id: Uuid) -> oneshot::Receiver<JobStatus> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiters = waiting.entry(job_id).or_default();
        waiters.retain(|waiter| !waiter.is_closed());
        waiters.push(sender);
        receiver
    }

    /// Forgets those who stopped waiting.
    fn tidy(&self, job_id: Uuid) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiters) = waiting.get_mut(&job_id) {
            waiters.retain(|waiter| !waiter.is_closed());
            if waiters.is_empty() {
                waiting.remove(&job_id);
            }
        }
    }
}

/// How often the tables are looked at for a job that ends in another process, at first and at last.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl SimpleQueue {
    /// Waits until a job has ended, in whatever process, and says how.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when it is nowhere; or when the database fails for good.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn wait(&self, job_id: Uuid) -> Result<JobStatus, Error> {
        let mut pause = FIRST_LOOK;
        let mut ended = self.waiters().wait(job_id);
        let status = loop {
            let status = match self.status(job_id).await {
                Err(error) if error.is_transient() => None,
                Err(error) => break Err(error),
                Ok(status) => Some(status).filter(|status| status.is_final()),
            };
            if let Some(status) = status {
                break Ok(status);
            }
            tokio::select! {
                Ok(status) = &mut ended => break Ok(status),
                () = tokio::time::sleep(pause) => {}
            }
            pause = std::cmp::min(pause * 2, LONGEST_PAUSE);
        };
        drop(ended);
        self.waiters().tidy(job_id);
        status
    }

    /// Stores a job; the receiver is ready when the job has ended. `None` if a live one has its unique
    /// key already.
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
                ended = queue.wait(job_id) => ended,
                () = sender.closed() => return,
            };
            match ended {
                Ok(status) => {
                    if sender.send(()).is_err() {
                        tracing::trace!(%job_id, %status, "nobody waits for this job any more");
                    }
                }
                // The sender is dropped, which is how the receiver learns that there is no end to wait for.
                Err(error) => tracing::warn!(%error, %job_id, "cannot wait for this job"),
            }
        });
        receiver
    }
}
