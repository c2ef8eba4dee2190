//! The plain interface: jobs as rows, without declarations.

use serde_json::Value;
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    database::again,
    enqueue::{
        EnqueueOn, EnqueueOutcome, insert,
        live::{Which, cancel_those},
    },
    job::{BoxDynError, JobStatus},
    row::{Job, NewJob},
};

/// # Without declarations
impl SimpleQueue {
    /// Stores a job; `None` if a live one has its unique key already, or is this very job.
    ///
    /// # Errors
    /// When the job cannot be stored, [`Error::IdUsed`] when it was stored before and is over, or when the database
    /// fails.
    ///
    /// # Cancel safety
    /// A call that is dropped before it is ready may have stored the job all the same.
    pub async fn insert_job(&self, job: Job) -> Result<Option<Uuid>, BoxDynError> {
        Ok(self.insert_jobs(vec![job]).await?.pop())
    }

    /// Stores jobs together, all or none; returns the ids of those that are new.
    ///
    /// # Errors
    /// When one of them cannot be stored, [`Error::IdUsed`] when one was stored before and is over, or when the
    /// database fails.
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

    /// Cancels the live job that has this key: at once while it waits; while it runs its handler is
    /// told, and dropped after a grace. Whether there was one.
    ///
    /// The key is that of the table, as [`Job::unique_key`] shows it: that of a `#[job]` has the job's name before
    /// it, `send_welcome:user:42` for `unique = "user:{user_id}"`. Such a job is cancelled more simply with the
    /// function of its struct, `SendWelcome::cancel(42, &queue)`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_job_by_unique_key(&self, unique_key: &str) -> Result<bool, BoxDynError> {
        Ok(cancel_those(self.target(), Which::UniqueKey(unique_key)).await? > 0)
    }

    /// Cancels all live jobs that have this fingerprint, as
    /// [`SimpleQueue::cancel_job_by_unique_key`] does one. How many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_all_jobs_by_fingerprint(
        &self,
        fingerprint: &str,
    ) -> Result<u64, BoxDynError> {
        Ok(cancel_those(self.target(), Which::Fingerprint(fingerprint)).await?)
    }

    /// The state of a job, wherever it is.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when it is nowhere; or when the database fails.
    pub async fn status(&self, job_id: Uuid) -> Result<JobStatus, Error> {
        let (status, ..) = self.end(job_id).await?;
        Ok(status)
    }

    /// The state of a job; its result, as JSON, and its reason, where it has one.
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

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FinishedJob {
    /// `completed`, or one of the ways to fail.
    pub status: JobStatus,
    /// What its handler returned, where it returned something.
    pub result: Option<Value>,
    /// Why it became a dead letter, if it did.
    pub reason: Option<String>,
}
