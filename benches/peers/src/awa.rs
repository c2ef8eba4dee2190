//! awa.

use std::{borrow::Cow, time::Duration};

use awa::{
    Client, InsertOpts, JobArgs, JobContext, JobError, JobResult, QueueConfig, QueueStorage,
    QueueStorageConfig, Worker,
};
use serde::{Deserialize, Serialize};
use simple_queue_benches::{
    agent::Probe,
    contestant::{
        About, BoxError, Contestant, Duty, NewJob, Payload, Result, Role, Setup, Suits, Urgency,
    },
};
use sqlx_of_awa::{PgPool, postgres::PgPoolOptions, types::chrono::Utc};

/// With many workers, large claims and no deadlines, as its own throughput benchmark.
pub struct Awa {
    pool: PgPool,
    storage: QueueStorage,
}

#[derive(Debug, Deserialize, JobArgs, Serialize)]
#[awa(kind = "measured")]
struct Measured {
    payload: Payload,
}

struct Measurer {
    probe: Probe,
}

#[async_trait::async_trait]
impl Worker for Measurer {
    fn kind(&self) -> &'static str {
        "measured"
    }

    async fn perform(&self, context: &JobContext) -> Result<JobResult, JobError> {
        let job: Measured =
            serde_json::from_value(context.job.args.clone()).map_err(JobError::retryable)?;
        self.probe.run(&job.payload).await.map_err(JobError::retryable)?;
        Ok(JobResult::Completed)
    }
}

impl Contestant for Awa {
    const ABOUT: About = About {
        name: Cow::Borrowed("awa"),
        version: Cow::Borrowed("0.6.9"),
        settings: Cow::Borrowed(
            "queue storage, 1000 workers, claims of 512, no deadlines, poll 50 ms, bulk by COPY",
        ),
        role: Role::Peer,
        history: true,
        without_history_of: None,
        suits: Suits::Everything,
        many_queues: false,
        limits: false,
        transactions: true,
        recovers: false,
        count_left: Cow::Borrowed(include_str!("awa_left.sql")),
        count_kept: None,
        claim_all: None,
        fetch: Cow::Borrowed("claim_ready_runtime"),
    };

    type Worker = Client;

    async fn connect(setup: Setup) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(setup.connections)
            .test_before_acquire(false)
            .connect(&setup.url)
            .await?;
        Ok(Self { pool, storage: QueueStorage::new(QueueStorageConfig::default())? })
    }

    async fn migrate(&self) -> Result<()> {
        let migration = async {
            awa::migrations::run(&self.pool).await?;
            // Or the jobs that are enqueued before a worker first starts would keep it on the tables of 0.5.
            self.storage.install(&self.pool).await
        };
        // Its future cannot be proven to be `Send`.
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(migration))?;
        Ok(())
    }

    async fn enqueue(&self, job: NewJob) -> Result<()> {
        let opts = opts(&job);
        awa::insert_with(&self.pool, &Measured { payload: job.payload }, opts).await?;
        Ok(())
    }

    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<()> {
        let jobs = jobs.into_iter().map(|job| {
            let opts = opts(&job);
            awa::model::insert::params_with(&Measured { payload: job.payload }, opts)
                .map_err(BoxError::from)
        });
        self.storage.enqueue_params_copy(&self.pool, &jobs.collect::<Result<Vec<_>>>()?).await?;
        Ok(())
    }

    async fn enqueue_and_hold(&self, job: NewJob, hold: Duration) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let opts = opts(&job);
        awa::insert_with(&mut *tx, &Measured { payload: job.payload }, opts).await?;
        tokio::time::sleep(hold).await;
        Ok(tx.commit().await?)
    }

    async fn start(&self, duty: Duty, probe: Probe) -> Result<Client> {
        let config = QueueConfig {
            max_workers: u32::try_from(duty.concurrency.unwrap_or(1000))?,
            claim_batch_size: 512,
            poll_interval: Duration::from_millis(50),
            deadline_duration: Duration::ZERO,
            ..QueueConfig::default()
        };
        let client = Client::builder(self.pool.clone())
            .queue(crate::name_of(0), config)
            .register_worker(Measurer { probe })
            .build()?;
        client.start().await?;
        Ok(client)
    }

    async fn stop(worker: Client) -> Result<()> {
        worker.shutdown(Duration::from_secs(30)).await;
        Ok(())
    }
}

fn opts(job: &NewJob) -> InsertOpts {
    let delay = job.placement.delay();
    InsertOpts {
        queue: crate::name_of(job.placement.queue),
        priority: match job.placement.urgency {
            Urgency::Urgent => 1,
            Urgency::Usual => 2,
            Urgency::Low => 3,
        },
        run_at: (!delay.is_zero()).then(|| Utc::now() + delay),
        ..InsertOpts::default()
    }
}
