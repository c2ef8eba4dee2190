//! riverqueue, the Rust port of River.

use std::{borrow::Cow, time::Duration};

use riverqueue::{
    BoxError as RiverError, Client, InsertOpts, Job, JobArgs, QueueConfig, RunHandle, WorkContext,
    WorkOutcome, Worker, Workers,
    jiff::Timestamp,
    migrate::PostgresMigrator,
    sqlx::{PgPool, postgres::PgPoolOptions},
};
use serde::{Deserialize, Serialize};
use simple_queue_benches::{
    agent::Probe,
    contestant::{About, Contestant, Duty, NewJob, Payload, Result, Role, Setup, Suits, Urgency},
};

/// With many workers and the shortest pause between fetches that it allows.
pub struct River {
    pool: PgPool,
    /// Enqueues only.
    client: Client,
}

#[derive(Deserialize, JobArgs, Serialize)]
#[river(kind = "measured", queue = "bench")]
struct Measured {
    payload: Payload,
}

struct Measurer {
    probe: Probe,
}

impl Worker<Measured> for Measurer {
    type Error = RiverError;

    async fn work(
        &self,
        _context: WorkContext,
        job: Job<Measured>,
    ) -> Result<WorkOutcome, RiverError> {
        self.probe.run(&job.args.payload).await?;
        Ok(WorkOutcome::Complete)
    }
}

impl Contestant for River {
    const ABOUT: About = About {
        name: Cow::Borrowed("riverqueue"),
        version: Cow::Borrowed("0.5.0"),
        settings: Cow::Borrowed("1000 workers, fetch cooldown 1 ms"),
        role: Role::Peer,
        history: true,
        without_history_of: None,
        suits: Suits::Everything,
        many_queues: true,
        limits: false,
        transactions: true,
        recovers: false,
        count_left: Cow::Borrowed("select count(*) from river_job where state <> 'completed'"),
        count_kept: Some(Cow::Borrowed("select count(*) from river_job where state = 'completed'")),
        claim_all: None,
        fetch: Cow::Borrowed("SKIP LOCKED"),
    };

    type Worker = RunHandle;

    async fn connect(setup: Setup) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(setup.connections)
            .test_before_acquire(false)
            .connect(&setup.url)
            .await?;
        let client = Client::builder(pool.clone()).fetch_cooldown(COOLDOWN).build()?;
        Ok(Self { pool, client })
    }

    async fn migrate(&self) -> Result<()> {
        PostgresMigrator::new(self.pool.clone()).migrate_up().await?;
        Ok(())
    }

    async fn enqueue(&self, job: NewJob) -> Result<()> {
        let opts = opts(&job);
        self.client.insert(Measured { payload: job.payload }).opts(opts).await?;
        Ok(())
    }

    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<()> {
        let jobs = jobs.into_iter().map(|job| {
            let opts = opts(&job);
            (Measured { payload: job.payload }, opts)
        });
        self.client.insert_many(jobs).await?;
        Ok(())
    }

    async fn enqueue_and_hold(&self, job: NewJob, hold: Duration) -> Result<()> {
        let mut tx = riverqueue::database::begin_postgres(&self.pool).await?;
        let opts = opts(&job);
        self.client.insert(Measured { payload: job.payload }).opts(opts).tx(&mut tx).await?;
        tokio::time::sleep(hold).await;
        Ok(tx.commit().await?)
    }

    async fn start(&self, duty: Duty, probe: Probe) -> Result<RunHandle> {
        let mut workers = Workers::new();
        workers.add(Measurer { probe })?;
        let mut builder =
            Client::builder(self.pool.clone()).workers(workers).fetch_cooldown(COOLDOWN);
        for queue in 0..duty.queues {
            let config = QueueConfig::new(duty.concurrency.unwrap_or(1000 / duty.queues).max(1));
            builder = builder.queue(crate::name_of(queue), config);
        }
        let mut run = builder.build()?.start()?;
        run.wait_ready().await?;
        Ok(run)
    }

    async fn stop(mut worker: RunHandle) -> Result<()> {
        Ok(worker.stop().await?)
    }
}

const COOLDOWN: Duration = Duration::from_millis(1);

fn opts(job: &NewJob) -> InsertOpts {
    let delay = job.placement.delay();
    let opts = InsertOpts::default().with_queue(crate::name_of(job.placement.queue)).with_priority(
        match job.placement.urgency {
            Urgency::Urgent => 1,
            Urgency::Usual => 2,
            Urgency::Low => 3,
        },
    );
    if delay.is_zero() { opts } else { opts.with_scheduled_at(Timestamp::now() + delay) }
}
