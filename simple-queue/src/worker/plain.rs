//! The plain interface: jobs as rows, without declarations.

use serde_json::Value;
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    enqueue::{
        EnqueueOn, EnqueueOutcome, insert,
        live::{Which, cancel_those},
    },
    job::{BoxDynError, JobStatus},
    row::{Job, NewJob},
    store::again,
};

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
    /// told, and dropped after a grace. Nothing if there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_job_by_unique_key(&self, unique_key: &str) -> Result<(), BoxDynError> {
        cancel_those(self.target(), Which::UniqueKey(unique_key)).await?;
        Ok(())
    }

    /// Cancels all live jobs that have this fingerprint, as
    /// [`SimpleQueue::cancel_job_by_unique_key`] does one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_all_jobs_by_fingerprint(
        &self,
        fingerprint: &str,
    ) -> Result<(), BoxDynError> {
        cancel_those(self.target(), Which::Fingerprint(fingerprint)).await?;
        Ok(())
    }

    /// The state of a job, wherever it is.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when it is nowhere; or when the database fails.
    pub async fn status(&self, job_id: Uuid) -> Result<JobStatus, Error> {
        Ok(self.end(job_id).await?.status)
    }

    /// The state of a job, and what it came to where it is over.
    pub(super) async fn end(&self, job_id: Uuid) -> Result<Ended, Error> {
        let end = again!(tries => self.ask(async |connection| {
            self.store().read_end(connection, job_id).await
        }));
        match end.map_err(Error::database("read the state of a job"))? {
            Some((status, result, reason)) => Ok(Ended { status: status.parse()?, result, reason }),
            None => Err(Error::UnknownJob { job_id }),
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ended {
    /// `completed`, or one of the ways to fail.
    pub status: JobStatus,
    /// What its handler returned, where it returned something.
    pub result: Option<Value>,
    /// Why it became a dead letter, if it did.
    pub reason: Option<String>,
}
