//! Context of a run: what a running job can ask about itself.

use std::time::Duration;

#[cfg(feature = "cron")]
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::SimpleQueue;
#[cfg(feature = "cron")]
use crate::schedule::Tick;
use crate::{
    Error,
    database::again,
    enqueue::{EnqueueOn, Target, live::read_metadata},
    job::JobStatus,
    row::{Claim, Job, Lease, RunSignal},
    store::{Completed, GateOf},
};

/// Context of a run. A `#[job]` function with a `&JobContext` parameter receives it.
#[derive(Debug, Clone)]
pub struct JobContext {
    queue: SimpleQueue,
    job_id: Uuid,
    kind: String,
    attempt: i32,
    max_attempts: i32,
    status: JobStatus,
    /// `None` for a job that is run by hand.
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

    /// Returns the job's id.
    pub fn job_id(&self) -> Uuid {
        self.job_id
    }

    /// Returns the job's kind: the name of its `#[job]`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the number of this attempt, from 1.
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// Returns the maximum number of attempts of this job.
    pub fn max_attempts(&self) -> i32 {
        self.max_attempts
    }

    /// Returns the status of the job: [`JobStatus::Running`]. In a function that `on_exhausted`
    /// names it is the status that the job gets: `Failed`, `CriticalFailure`, `Unprocessable` or
    /// `BadJob`.
    pub fn status(&self) -> JobStatus {
        self.status
    }

    /// Reads the metadata that [`Enqueue::metadata`](crate::Enqueue::metadata) attached to the job,
    /// with a statement of its own. Returns `None` if there is none, or if the job is run by hand.
    ///
    /// # Errors
    /// [`Error::UnreadablePayload`] when the metadata has another type; or when the database fails.
    pub async fn metadata<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        #[cfg(feature = "testing")]
        if let Some(unit) = self.queue.unit() {
            return read_metadata(self.job_id, unit.metadata.as_deref());
        }
        let Some(lease) = self.claim.as_ref().map(|claim| claim.lease) else { return Ok(None) };
        let store = self.queue.store();
        let read = again!(tries => self.queue.ask(async |connection| {
            store.read_metadata(connection, lease).await
        }));
        let read = read.map_err(Error::database("read the metadata of a job"))?;
        read_metadata(self.job_id, read.as_deref())
    }

    /// Reads the tick that the schedule of the job enqueued it for, with a statement of its own.
    /// Returns `None` if no schedule enqueued it, or if it is run by hand.
    ///
    /// The job runs at this time or later. [`run_now`](crate::Schedules::run_now) makes a tick of the
    /// time at which it is called.
    ///
    /// # Errors
    /// When the database fails.
    #[cfg(feature = "cron")]
    pub async fn tick(&self) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(self.read_tick().await?.map(|tick| tick.at))
    }

    /// Reads the time between two jobs of a schedule: from the tick of the job before to this job's,
    /// with a statement of its own. Returns `None` if no schedule enqueued it, or if it is run by
    /// hand.
    ///
    /// The intervals of a schedule's jobs have no gaps, also when ticks were left out. The first one
    /// begins at the time at which the schedule would have fired before.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// # async fn add_up(from: chrono::DateTime<chrono::Utc>, to: chrono::DateTime<chrono::Utc>) {}
    /// #[job(cron = "0 9 * * mon-fri", tz = "Europe/Berlin")]
    /// async fn daily_report(context: &JobContext) -> Result<(), BoxDynError> {
    ///     if let Some((from, to)) = context.tick_interval().await? {
    ///         add_up(from, to).await;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// When the database fails.
    #[cfg(feature = "cron")]
    pub async fn tick_interval(&self) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, Error> {
        Ok(self.read_tick().await?.map(|tick| (tick.since, tick.at)))
    }

    #[cfg(feature = "cron")]
    async fn read_tick(&self) -> Result<Option<Tick>, Error> {
        #[cfg(feature = "testing")]
        if let Some(unit) = self.queue.unit() {
            return Ok(unit.tick);
        }
        let Some(lease) = self.claim.as_ref().map(|claim| claim.lease) else { return Ok(None) };
        let store = self.queue.store();
        let read = again!(tries => self.queue.ask(async |connection| {
            store.read_tick(connection, lease).await
        }));
        read.map_err(Error::database("read the tick of a job"))
    }

    /// Takes further tokens of the rate that the job's declaration has, after a call that turned out
    /// to count for more than one: the start of the job has taken one. Tokens that are not there are a
    /// debt, which comes before the next start. [`Limits::charge`](crate::Limits::charge) does so for
    /// a rate by its name.
    ///
    /// # Errors
    /// [`LimitError::Unknown`](crate::LimitError::Unknown) when the declaration has no rate; or when
    /// the database fails.
    pub async fn charge(&self, tokens: u32) -> Result<(), Error> {
        let name = format!("kind:{}", self.kind);
        let rule = self.claim.as_ref().and_then(|claim| claim.lease.rule);
        let has_key = |rule| self.queue.key_limit(rule).is_some_and(|limit| limit.rate.is_some());
        if rule.is_some_and(has_key) {
            return self.queue.limits().charge_gate(GateOf::Job(self.job_id), name, tokens).await;
        }
        self.queue.limits().charge(&name, tokens).await
    }

    /// Says how much of the work is done, from 0 to 1, for [`SimpleQueue::running`]. It only sets a
    /// value in memory, so it may be called often.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// #[job(queue = "imports")]
    /// async fn import(context: &JobContext, pages: u32) {
    ///     for page in 0..pages {
    ///         context.progress(f64::from(page) / f64::from(pages));
    ///         context.note(&format!("page {page}"));
    ///         // …
    ///     }
    /// }
    /// ```
    pub fn progress(&self, done: f64) {
        if let Some(claim) = &self.claim {
            claim.run.progress(done);
        }
    }

    /// Says in a few words what the run does now, for [`SimpleQueue::running`]; at most 200 characters.
    pub fn note(&self, note: &str) {
        if let Some(claim) = &self.claim {
            claim.run.note(note);
        }
    }

    /// Returns the queue, for enqueuing other jobs; `&context` can be enqueued on as well.
    pub fn queue(&self) -> &SimpleQueue {
        &self.queue
    }

    /// Returns whether a worker runs this job; `false` for a job that is run by hand.
    pub(crate) fn is_claimed(&self) -> bool {
        #[cfg(feature = "testing")]
        if self.queue.unit().is_some() {
            return false;
        }
        self.claim.is_some()
    }

    /// Returns whether this job was cancelled. A run that goes on is dropped after a grace.
    pub fn is_cancelled(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.run.is_cancelled())
    }

    /// Waits until this job is cancelled.
    ///
    /// # Cancel safety
    /// Cancel safe: it only waits.
    pub async fn cancelled(&self) {
        match &self.claim {
            Some(claim) => claim.run.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Finishes this job in a transaction of yours: its completion and your statements are
    /// committed together, so the effects happen exactly once.
    ///
    /// Commit the transaction, then return from the function. If the transaction does not commit,
    /// the attempt has failed, whatever the function returns. After this call the transaction may
    /// idle between statements no longer than the [statement
    /// timeout](crate::SimpleQueueBuilder::statement_timeout), 10 seconds: it holds a lock on the
    /// job's row, so no other process could take the job over if this one vanished.
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
    /// [`Error::LeaseLost`] when another process has taken the job over; do not commit the
    /// transaction then. The same error when the job is run by hand. [`Error::TransactionEnded`]
    /// when a `commit` or `rollback` that was sent as SQL has ended the transaction.
    pub async fn finish_in(&self, tx: &mut Transaction<'_, Postgres>) -> Result<(), Error> {
        if self.is_claimed() {
            // The transaction is the caller's, so it is not marked yet.
            self.mark(tx).await?;
        }
        self.finish_marked(tx, None).await
    }

    /// Finishes the job like [`JobContext::finish_in`], in a transaction that is marked, with the
    /// handler's result as JSON.
    pub(crate) async fn finish_marked(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        result: Option<&str>,
    ) -> Result<(), Error> {
        #[cfg(feature = "testing")]
        if self.queue.unit().is_some() {
            // There is no row to finish.
            return Ok(());
        }
        let lost = Error::LeaseLost { job_id: self.job_id };
        let Some(claim) = &self.claim else {
            return Err(lost);
        };
        // Set before the attempt, so that the executor looks up the end whatever happens to the
        // transaction.
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

    /// Marks the transaction and returns whether it was marked before. From here on its idle time
    /// is bounded: it is about to lock the job's row, and no process could return the job if this
    /// one vanished.
    async fn mark(&self, tx: &mut Transaction<'_, Postgres>) -> Result<bool, Error> {
        let store = self.queue.store();
        let servers = self.queue.servers();
        let marked = store.limit_idle_transaction(tx, servers.statement_timeout()).await;
        marked.map_err(Error::database("finish a job in a transaction"))
    }

    /// The signals of the run; `None` for a job that is run by hand.
    pub(crate) fn run(&self) -> Option<&RunSignal> {
        self.claim.as_ref().map(|claim| claim.run.as_ref())
    }

    /// Returns whether the lease still held. A call that cancels the job locks its row for a
    /// moment, and the statement skips locked rows. So the statement is repeated as long as the
    /// lease holds.
    async fn archive_in(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        lease: Lease,
        result: Option<&str>,
    ) -> sqlx::Result<bool> {
        const PAUSE: Duration = Duration::from_millis(10);
        let store = self.queue.store();
        let keep = self.queue.config().retention.keeps_completed();
        loop {
            let completed = Completed { runs: &[(lease, result)], keep };
            if !store.archive_jobs(tx, lease.worker_id, completed, true).await?.is_empty() {
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
