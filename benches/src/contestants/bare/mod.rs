//! Bare Postgres: the statements alone, in the simplest loop that uses them. It is the limit, not a job queue:
//! nothing is retried, and the death of a process is not noticed.

mod worker;

use std::{borrow::Cow, sync::Arc, time::Duration};

use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::sync::Notify;
use uuid::Uuid;

use self::worker::Worker;
use crate::{
    agent::Probe,
    contestant::{About, Contestant, Duty, NewJob, Result, Role, Setup, Suits, Urgency},
};

/// With finished jobs kept, or deleted.
#[derive(Debug)]
pub(super) struct Bare<const HISTORY: bool> {
    pool: PgPool,
    /// Rung after a commit.
    bell: Arc<Notify>,
}

const CHANNEL: &str = "bare_job";

/// Between two notifications of one process. One in every insert would cost concurrent writers most of
/// their throughput, because it holds a lock of the whole database while its transaction commits.
const PAUSE: Duration = Duration::from_millis(5);

impl<const HISTORY: bool> Contestant for Bare<HISTORY> {
    const ABOUT: About = About {
        name: Cow::Borrowed(if HISTORY { "bare" } else { "bare-forgetting" }),
        version: Cow::Borrowed("PostgreSQL"),
        settings: Cow::Borrowed(
            "claims of 500 by one loop, pool without pings, one notification per 5 ms",
        ),
        role: Role::Bare,
        history: HISTORY,
        without_history_of: if HISTORY { None } else { Some(Cow::Borrowed("bare")) },
        suits: Suits::Everything,
        many_queues: true,
        limits: false,
        transactions: true,
        recovers: false,
        count_left: Cow::Borrowed("select count(*) from job"),
        count_kept: Some(Cow::Borrowed("select count(*) from finished_job")),
        claim_all: Some(Cow::Borrowed("update job set lease = 0, attempt = 1, leased_at = now()")),
        fetch: Cow::Borrowed("-- claim"),
    };

    type Worker = Worker;

    async fn connect(setup: Setup) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(setup.connections)
            .test_before_acquire(false)
            .connect(&setup.url)
            .await?;
        let bell = Arc::new(Notify::new());
        tokio::spawn(ring(pool.clone(), Arc::clone(&bell)));
        Ok(Self { pool, bell })
    }

    async fn migrate(&self) -> Result<()> {
        sqlx::raw_sql(include_str!("tables.sql")).execute(&self.pool).await?;
        Ok(())
    }

    async fn enqueue(&self, job: NewJob) -> Result<()> {
        self.enqueue_all(vec![job]).await
    }

    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<()> {
        insert(&mut *self.pool.acquire().await?, &jobs).await?;
        self.bell.notify_one();
        Ok(())
    }

    async fn enqueue_and_hold(&self, job: NewJob, hold: Duration) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        insert(&mut tx, &[job]).await?;
        sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&mut *tx).await?;
        tokio::time::sleep(hold).await;
        Ok(tx.commit().await?)
    }

    async fn start(&self, duty: Duty, probe: Probe) -> Result<Worker> {
        Worker::start(&self.pool, &duty, probe, HISTORY).await
    }

    async fn stop(worker: Worker) -> Result<()> {
        worker.stop().await
    }
}

async fn insert(connection: &mut PgConnection, jobs: &[NewJob]) -> Result<()> {
    let payloads = jobs.iter().map(|job| serde_json::to_string(&job.payload));
    let queues = jobs.iter().map(|job| i16::try_from(job.placement.queue));
    sqlx::query(include_str!("insert.sql"))
        .bind(jobs.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
        .bind(queues.collect::<Result<Vec<_>, _>>()?)
        .bind(jobs.iter().map(|job| priority(job.placement.urgency)).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.placement.delay().as_secs_f64()).collect::<Vec<_>>())
        .bind(payloads.collect::<Result<Vec<_>, _>>()?)
        .execute(connection)
        .await?;
    Ok(())
}

const fn priority(urgency: Urgency) -> i16 {
    match urgency {
        Urgency::Urgent => 0,
        Urgency::Usual => 1,
        Urgency::Low => 2,
    }
}

/// Notifies workers of what was committed.
async fn ring(pool: PgPool, bell: Arc<Notify>) {
    loop {
        bell.notified().await;
        if let Err(error) =
            sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&pool).await
        {
            eprintln!("bare: workers could not be notified: {error}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
