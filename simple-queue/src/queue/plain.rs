//! The plain interface: jobs as rows, without declarations.

use serde_json::Value;
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    database::again,
    enqueue::{
        EnqueueOn, EnqueueOutcome, insert,
        live::{KeptKey, Which, cancel_those, kept_key, release},
    },
    job::{BoxDynError, JobStatus},
    row::{Job, NewJob},
};

/// # Without declarations
impl SimpleQueue {
    /// Stores a job. Returns `None` if a live job has its unique key or its id.
    ///
    /// # Errors
    /// When the job cannot be stored; [`Error::IdUsed`] when a job with its id was stored before
    /// and has ended; or when the database fails.
    ///
    /// # Cancel safety
    /// A call that is dropped before it is ready may have stored the job all the same.
    pub async fn insert_job(&self, job: Job) -> Result<Option<Uuid>, BoxDynError> {
        Ok(self.insert_jobs(vec![job]).await?.pop())
    }

    /// Stores jobs together, all or none. Returns the ids of the new ones.
    ///
    /// # Errors
    /// When one of them cannot be stored; [`Error::IdUsed`] when a job with one of the ids was
    /// stored before and has ended; or when the database fails.
    ///
    /// # Cancel safety
    /// A call that is dropped before it is ready may have stored the jobs all the same.
    pub async fn insert_jobs(&self, jobs: Vec<Job>) -> Result<Vec<Uuid>, BoxDynError> {
        let rows = jobs.into_iter().map(NewJob::from).collect();
        let inserted = insert(self.target(), rows).await?;
        Ok(inserted
            .into_iter()
            .filter(|job| job.outcome == EnqueueOutcome::Inserted)
            .map(|job| job.id)
            .collect())
    }

    /// Cancels the live job with this key. A waiting job ends at once. For a running job the
    /// handler is told, and dropped after a grace. Returns whether there was a live job.
    ///
    /// The key is the stored one, as [`Job::unique_key`] returns it. The stored key of a `#[job]`
    /// begins with the job's name: `send_welcome:user:42` for `unique = "user:{user_id}"`. The
    /// function of its struct, `SendWelcome::cancel(42, &queue)`, is the simpler way to cancel such
    /// a job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_job_by_unique_key(&self, unique_key: &str) -> Result<bool, BoxDynError> {
        Ok(cancel_those(self.target(), Which::UniqueKey(unique_key)).await? > 0)
    }

    /// Cancels all live jobs with this fingerprint, like [`SimpleQueue::cancel_job_by_unique_key`].
    /// Returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_all_jobs_by_fingerprint(
        &self,
        fingerprint: &str,
    ) -> Result<u64, BoxDynError> {
        Ok(cancel_those(self.target(), Which::Fingerprint(fingerprint)).await?)
    }

    /// Returns which job keeps this key, and until when; `None` if none does. The job may have ended.
    /// The key is the stored one, as for [`SimpleQueue::cancel_job_by_unique_key`]. A `#[job]` with
    /// `unique(…, for = "24h")` has a function of its own, `SendWelcome::find_kept_key(42, &queue)`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_kept_key(&self, unique_key: &str) -> Result<Option<KeptKey>, Error> {
        kept_key(self.target(), unique_key).await
    }

    /// Frees a key that is [kept](crate::JobOptions::unique_for), as it is stored. Returns whether
    /// it was kept. A job that waits or runs still holds its key: cancel it too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_key(&self, unique_key: &str) -> Result<bool, Error> {
        release(self.target(), unique_key).await
    }

    /// Returns the status of a job, in whichever table it is.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when no table has it; or when the database fails.
    pub async fn status(&self, job_id: Uuid) -> Result<JobStatus, Error> {
        let (status, ..) = self.end(job_id).await?;
        Ok(status)
    }

    /// Reads the status of a job, its result as JSON, and its reason, if it has them.
    pub(super) async fn end(
        &self,
        job_id: Uuid,
    ) -> Result<(JobStatus, Option<String>, Option<String>), Error> {
        let end = again!(tries => self.ask(async |connection| {
            self.store().read_end(connection, job_id).await
        }));
        match end.map_err(Error::database("read the state of a job"))? {
            Some((status, result, reason)) => Ok((status.parse()?, result, reason)),
            None => Err(Error::UnknownJob { job_id }),
        }
    }
}

/// The end of a job.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FinishedJob {
    /// `completed`, or the status of a dead letter.
    pub status: JobStatus,
    /// The handler's result, if it returned one.
    pub result: Option<Value>,
    /// The reason of a dead letter.
    pub reason: Option<String>,
}
