//! What a function of a job is given, for tests that call it by hand.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use crate::{
    JobContext, JobTx, SimpleQueue,
    job::to_json,
    queue::observed::Unit,
    row::{Claim, Job, Lease, RunSignal},
};

/// A context that is not made yet; [`job_context`] creates one.
#[derive(Debug, Clone, Default)]
#[must_use = "there is no context before `make` is called"]
pub struct TestContext {
    attempt: Option<i32>,
    is_cancelled: bool,
    /// JSON text.
    metadata: Option<String>,
    pool: Option<PgPool>,
}

/// 100 ms, for which a cancelled function may go on.
const GRACE: Duration = Duration::from_millis(100);

/// Creates a context for a call of a job's function by hand.
///
/// ```
/// # use simple_queue::{prelude::*, testing::job_context};
/// /// Sends at most one message.
/// #[job]
/// async fn send_messages(context: &JobContext) -> Result<u32, BoxDynError> {
///     Ok(if context.is_cancelled() { 0 } else { 1 })
/// }
///
/// # async fn example() {
/// let context = job_context().attempt(2).cancelled().make();
/// assert_eq!(send_messages(&context).await.unwrap(), 0);
/// # }
/// ```
///
/// What the function enqueues on the context goes nowhere; [`RunJob`](super::RunJob) notes it.
pub fn job_context() -> TestContext {
    TestContext::default()
}

/// Begins a transaction for a call of a job's function by hand. It is rolled back when it is dropped,
/// so look at the effects in it.
///
/// ```
/// # use simple_queue::{prelude::*, sqlx, testing::job_tx};
/// /// Adds up what was ordered.
/// #[job(queue = "orders")]
/// async fn book_order(tx: &mut JobTx, amount: i64) -> Result<(), BoxDynError> {
///     sqlx::query("update revenue set total = total + $1").bind(amount).execute(&mut **tx).await?;
///     Ok(())
/// }
///
/// # async fn example(pool: sqlx::PgPool) {
/// let mut tx = job_tx(&pool).await;
/// book_order(&mut tx, 5).await.unwrap();
/// let total: i64 = sqlx::query_scalar("select total from revenue").fetch_one(&mut *tx).await.unwrap();
/// assert_eq!(total, 5);
/// # }
/// ```
///
/// # Panics
/// When it cannot begin.
pub async fn job_tx(pool: &PgPool) -> JobTx {
    let Ok(tx) = JobTx::begin(&job_context().on(pool).make()).await else {
        panic!("the transaction of a test cannot begin: can the database be reached?");
    };
    tx
}

impl TestContext {
    /// Sets the number of the attempt; 1 by default.
    pub fn attempt(self, attempt: i32) -> Self {
        Self { attempt: Some(attempt), ..self }
    }

    /// Cancels the job.
    pub fn cancelled(self) -> Self {
        Self { is_cancelled: true, ..self }
    }

    /// Sets the metadata of the job.
    ///
    /// # Panics
    /// When it cannot be written as JSON.
    pub fn metadata(self, metadata: impl Serialize) -> Self {
        let json = to_json(&metadata);
        let json = json.unwrap_or_else(|problem| panic!("metadata cannot be stored: {problem}"));
        Self { metadata: Some(json), ..self }
    }

    /// Gives the context a database.
    pub fn on(self, pool: &PgPool) -> Self {
        Self { pool: Some(pool.clone()), ..self }
    }

    /// Creates the context.
    pub fn make(self) -> JobContext {
        let (queue, claim) = self.parts();
        let mut job = Job::new("default", ());
        (job.id, job.attempt) = (claim.lease.job_id, self.number());
        job.claim = Some(claim);
        JobContext::new(&queue, &job)
    }

    pub(super) const fn has_database(&self) -> bool {
        self.pool.is_some()
    }

    pub(super) fn number(&self) -> i32 {
        self.attempt.unwrap_or(1)
    }

    /// The queue of one run, and its claim.
    pub(super) fn parts(&self) -> (SimpleQueue, Claim) {
        let unit = Unit { metadata: self.metadata.clone(), ..Unit::default() };
        let pool = self.pool.clone().unwrap_or_else(no_database);
        let queue = SimpleQueue::new(pool).beside(|config, _registry| config.cancel_grace = GRACE);
        let (job_id, worker_id) = (Uuid::now_v7(), Uuid::now_v7());
        let lease = Lease { job_id, worker_id, number: 1, rule: None };
        let run = Arc::new(RunSignal::default());
        if self.is_cancelled {
            run.cancel();
        }
        let claim =
            Claim { lease, timeout: None, reprocess_count: 0, crash_count: 0, expired: false, run };
        (queue.into_unit(unit), claim)
    }
}

/// A pool that leads nowhere. It starts no task, so it can be made outside of a runtime.
fn no_database() -> PgPool {
    let nowhere = PgConnectOptions::new_without_pgpass().host("a-test-without-a-database.invalid");
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(GRACE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(nowhere)
}
