//! What a running job knows of itself.

use std::time::Duration;

use serde::de::DeserializeOwned;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    database::again,
    enqueue::{EnqueueOn, Target, live::read_metadata},
    job::JobStatus,
    row::{Claim, Job, Lease, Run},
    store::Finish,
};

/// The context of a run; a `#[job]` function that takes a `&JobContext` is given it.
#[derive(Debug, Clone)]
pub struct JobContext {
    queue: SimpleQueue,
    job_id: Uuid,
    kind: String,
    attempt: i32,
    max_attempts: i32,
    status: JobStatus,
    /// None for a job that is run by hand.
    claim: Option<Claim>,
}

impl JobContext {
    pub(crate) fn new(queue: &SimpleQueue, job: &Job) -> Self {
        Self {
            queue: queue.clone(),
            job_id: job.id,
            kind: job.kind.clone(),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            status: job
                .status
                .parse()
                .ok()
                .filter(|status: &JobStatus| status.is_final())
                .unwrap_or(JobStatus::Running),
            claim: job.claim.clone(),
        }
    }

    /// The job's id.
    pub fn job_id(&self) -> Uuid {
        self.job_id
    }

    /// The job's kind: the name of its `#[job]`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// How many attempts the job has in all.
    pub fn max_attempts(&self) -> i32 {
        self.max_attempts
    }

    /// What state the job is in: [`JobStatus::Running`], and in a function that is named by `on_exhausted`, what
    /// it becomes: `Failed`, `CriticalFailure`, `Unprocessable` or `BadJob`.
    pub fn status(&self) -> JobStatus {
        self.status
    }

    /// Reads what was attached to the job with [`Enqueue::metadata`](crate::Enqueue::metadata), with a statement of
    /// its own; `None` if nothing was, or if the job is run by hand.
    ///
    /// # Errors
    /// [`Error::UnreadablePayload`] when it is of another type; or when the database fails.
    pub async fn metadata<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let Some(lease) = self.claim.as_ref().map(|claim| claim.lease) else { return Ok(None) };
        let store = self.queue.store();
        let read = again!(tries => self.queue.ask(async |connection| {
            store.read_metadata(connection, lease).await
        }));
        let read = read.map_err(Error::database("read the metadata of a job"))?;
        read_metadata(self.job_id, read.as_deref())
    }

    /// The queue, for enqueuing what follows; `&context` can be enqueued on as well.
    pub fn queue(&self) -> &SimpleQueue {
        &self.queue
    }

    /// Whether a worker runs this job, rather than somebody by hand.
    pub(crate) fn is_claimed(&self) -> bool {
        self.claim.is_some()
    }

    /// Whether somebody asked for this job's end. A run that goes on is dropped after a grace.
    pub fn is_cancelled(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.run.is_cancelled())
    }

    /// Waits until somebody asks for this job's end.
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        match &self.claim {
            Some(claim) => claim.run.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Finishes this job in a transaction of yours: its completion and all that you do in the
    /// transaction are committed together, so the effects happen exactly once.
    ///
    /// Commit the transaction, then return from the function. If the transaction does not commit, the
    /// attempt has failed, whatever the function returns. From this call on it may wait for its next
    /// statement no longer than a [statement may take](crate::SimpleQueueBuilder::statement_timeout), 10 seconds:
    /// it has locked the job, which others could not take over if this process vanished.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// /// Adds up what was ordered.
    /// #[job(queue = "orders")]
    /// async fn book_order(context: &JobContext, pool: &sqlx::PgPool, amount: i64) -> Result<(), BoxDynError> {
    ///     let mut tx = pool.begin().await?;
    ///     sqlx::query("update revenue set total = total + $1").bind(amount).execute(&mut *tx).await?;
    ///     context.finish_in(&mut tx).await?;
    ///     tx.commit().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another process has taken the job over; the transaction must not be
    /// committed then. Also when the job is run by hand. [`Error::TransactionEnded`] when a `commit` or
    /// `rollback` that was sent as SQL has ended the transaction.
    pub async fn finish_in(&self, tx: &mut Transaction<'_, Postgres>) -> Result<(), Error> {
        if self.is_claimed() {
            // The transaction is the caller's, and not marked yet.
            self.mark(tx).await?;
        }
        self.finish_marked(tx, None).await
    }

    /// As [`JobContext::finish_in`], in a transaction that was marked, with what the handler returned, as JSON.
    pub(crate) async fn finish_marked(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        result: Option<&str>,
    ) -> Result<(), Error> {
        let lost = Error::LeaseLost { job_id: self.job_id };
        let Some(claim) = &self.claim else {
            return Err(lost);
        };
        // Said before the attempt: whatever happens to the transaction, its end is looked up.
        claim.run.finish_in_transaction();
        if !self.mark(tx).await? {
            return Err(Error::TransactionEnded { job_id: self.job_id });
        }
        match self.archive_in(tx, claim.lease, result).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(lost),
            Err(error) => Err(Error::database("finish a job in a transaction")(error)),
        }
    }

    /// Marks the transaction; whether it was marked before. From here on it may not idle for long: it is about to
    /// lock the job's row, and nobody could return the job should this process vanish.
    async fn mark(&self, tx: &mut Transaction<'_, Postgres>) -> Result<bool, Error> {
        let store = self.queue.store();
        let servers = self.queue.servers();
        let marked = store.limit_idle_transaction(tx, servers.statement_timeout()).await;
        marked.map_err(Error::database("finish a job in a transaction"))
    }

    /// The signals of the run, which a job that is run by hand has not.
    pub(crate) fn run(&self) -> Option<&Run> {
        self.claim.as_ref().map(|claim| claim.run.as_ref())
    }

    /// Whether the lease still held. Somebody who asks for the job's cancellation locks its row for a
    /// moment, which the statement passes over; so it is repeated as long as the lease holds.
    async fn archive_in(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        lease: Lease,
        result: Option<&str>,
    ) -> sqlx::Result<bool> {
        const PAUSE: Duration = Duration::from_millis(10);
        let store = self.queue.store();
        let keep = self.queue.config().retention.keeps_done();
        loop {
            let finish = Finish { done: &[(lease, result)], keep };
            if !store.archive_jobs(tx, lease.worker_id, finish, true).await?.is_empty() {
                return Ok(true);
            }
            let states = store.read_leases(tx, lease.worker_id, &[lease]).await?;
            if !states.iter().any(|state| state.held) {
                return Ok(false);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl<'e> EnqueueOn<'e> for &'e JobContext {
    fn target(self) -> Target<'e> {
        self.queue.target()
    }
}
