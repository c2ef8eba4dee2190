//! The plain interface: jobs as rows, without declarations.

use sqlx::PgConnection;
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    enqueue::{EnqueueOn, EnqueueOutcome, insert},
    job::{BoxDynError, JobStatus},
    row::{Job, NewJob},
};

impl SimpleQueue {
    /// Stores a job; `None` if a live one has its unique key already.
    ///
    /// # Errors
    /// When the job cannot be stored, or the database fails.
    ///
    /// # Cancel safety
    /// A call that is dropped before it is ready may have stored the job all the same.
    pub async fn insert_job(&self, job: Job) -> Result<Option<Uuid>, BoxDynError> {
        Ok(self.insert_jobs(vec![job]).await?.pop())
    }

    /// Stores jobs together, all or none; returns the ids of those that are new.
    ///
    /// # Errors
    /// When one of them cannot be stored, or the database fails.
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
        let found = self.ask(async |connection| {
            self.store().find_jobs_by_unique_key(connection, &[unique_key]).await
        });
        let found = found.await.map_err(Error::database("find a job by its unique key"))?;
        self.cancel(found.into_iter().map(|(id, _)| id).collect()).await
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
        let found = self.ask(async |connection| {
            self.store().find_jobs_by_fingerprint(connection, fingerprint).await
        });
        self.cancel(found.await.map_err(Error::database("find jobs by their fingerprint"))?).await
    }

    async fn cancel(&self, ids: Vec<Uuid>) -> Result<(), BoxDynError> {
        let asked = self.ask(async |connection| self.store().cancel_jobs(connection, &ids).await);
        let (cancelled, requested) = asked.await.map_err(Error::database("cancel jobs"))?;
        tracing::info!(
            cancelled,
            requested,
            "cancelled waiting jobs, and asked for the end of running ones"
        );
        Ok(())
    }

    /// The state of a job, wherever it is.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when it is nowhere; or when the database fails.
    pub async fn status(&self, job_id: Uuid) -> Result<JobStatus, Error> {
        let status =
            self.ask(async |connection| self.store().read_status(connection, job_id).await);
        match status.await.map_err(Error::database("read the state of a job"))? {
            Some(word) => word.parse(),
            None => Err(Error::UnknownJob { job_id }),
        }
    }

    /// One statement on a connection of the pool.
    async fn ask<T>(
        &self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        self.servers().ask(1, exchange).await
    }
}
