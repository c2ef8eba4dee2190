//! graphile_worker, the Rust port of Graphile Worker.

use std::{borrow::Cow, sync::Arc, time::Duration};

use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext,
    WorkerOptions, WorkerUtils,
};
use serde::{Deserialize, Serialize};
use simple_queue_benches::{
    agent::Probe,
    contestant::{
        About, BoxError, Contestant, Duty, NewJob, Payload, Result, Role, Setup, Suits, Urgency,
    },
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::task::JoinHandle;

/// With the settings of its own throughput benchmark, or with its defaults, which start a job sooner.
pub struct GraphileWorker<const TUNED: bool> {
    pool: PgPool,
    utils: WorkerUtils,
}

/// A worker and the task that runs it.
pub struct Running {
    worker: Arc<graphile_worker::Worker>,
    task: JoinHandle<Result<()>>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Measured(Payload);

#[derive(Clone, Debug)]
struct Shared(Probe);

impl TaskHandler for Measured {
    const IDENTIFIER: &'static str = "measured";

    async fn run(self, ctx: WorkerContext) -> impl IntoTaskHandlerResult {
        let probe = &ctx.get_ext::<Shared>().ok_or("no probe")?.0;
        probe.run(&self.0).await.map_err(|error| error.to_string())
    }
}

impl<const TUNED: bool> Contestant for GraphileWorker<TUNED> {
    const ABOUT: About = About {
        name: Cow::Borrowed(if TUNED { "graphile_worker" } else { "graphile_worker-default" }),
        version: Cow::Borrowed("0.14.1"),
        settings: Cow::Borrowed(if TUNED {
            "benches/perf_test.rs: concurrency 500, local queue 5000, poll 5 ms, completion batches 5 ms"
        } else {
            "defaults, concurrency 24"
        }),
        role: Role::Peer,
        history: false,
        without_history_of: None,
        suits: if TUNED { Suits::Throughput } else { Suits::Latency },
        many_queues: false,
        limits: false,
        transactions: true,
        recovers: false,
        count_left: Cow::Borrowed("select count(*) from graphile_worker._private_jobs"),
        count_kept: None,
        claim_all: None,
        fetch: Cow::Borrowed("skip locked"),
    };

    type Worker = Running;

    async fn connect(setup: Setup) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(setup.connections)
            .test_before_acquire(false)
            .connect(&setup.url)
            .await?;
        let utils = WorkerUtils::new(pool.clone(), "graphile_worker");
        Ok(Self { pool, utils })
    }

    async fn migrate(&self) -> Result<()> {
        Ok(self.utils.migrate().await?)
    }

    async fn enqueue(&self, job: NewJob) -> Result<()> {
        let spec = spec(&job);
        self.utils.add_job(Measured(job.payload), spec).await?;
        Ok(())
    }

    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<()> {
        let jobs = jobs.into_iter().map(|job| {
            let spec = spec(&job);
            let payload = serde_json::to_value(job.payload)?;
            Ok(RawJobSpec { identifier: Measured::IDENTIFIER.to_owned(), payload, spec })
        });
        self.utils.add_raw_jobs(&jobs.collect::<Result<Vec<_>>>()?).await?;
        Ok(())
    }

    async fn enqueue_and_hold(&self, job: NewJob, hold: Duration) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let spec = spec(&job);
        self.utils.clone().with_executor(&mut tx).add_job(Measured(job.payload), spec).await?;
        tokio::time::sleep(hold).await;
        Ok(tx.commit().await?)
    }

    async fn start(&self, duty: Duty, probe: Probe) -> Result<Running> {
        let mut options = WorkerOptions::default()
            .pg_pool(self.pool.clone())
            .concurrency(duty.concurrency.unwrap_or(if TUNED { 500 } else { 24 }))
            .listen_os_shutdown_signals(false)
            .add_extension(Shared(probe))
            .define_job::<Measured>();
        if TUNED {
            // Its local queue may note that jobs came when they are gone already, and then fetches no more until
            // they could have expired.
            let local = LocalQueueConfig::default().with_ttl(Duration::from_millis(500));
            // Where processes are to share the work, none may take all of it.
            let size = duty.concurrency.unwrap_or(5000);
            options = options
                .poll_interval(Duration::from_millis(5))
                .complete_job_batch_delay(Duration::from_millis(5))
                .local_queue(local.with_size(size));
        }
        let worker = Arc::new(options.init().await?);
        let task = tokio::spawn({
            let worker = Arc::clone(&worker);
            async move { worker.run().await.map_err(BoxError::from) }
        });
        Ok(Running { worker, task })
    }

    async fn stop(worker: Running) -> Result<()> {
        worker.worker.request_shutdown();
        worker.task.await?
    }
}

fn spec(job: &NewJob) -> JobSpec {
    let delay = job.placement.delay();
    JobSpec {
        run_at: (!delay.is_zero()).then(|| sqlx::types::chrono::Utc::now() + delay),
        priority: match job.placement.urgency {
            Urgency::Urgent => Some(-1),
            Urgency::Usual => None,
            Urgency::Low => Some(1),
        },
        ..JobSpec::default()
    }
}
