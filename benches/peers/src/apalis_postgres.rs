//! apalis with its Postgres storage.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use apalis::prelude::*;
use apalis_postgres::{Config, PgPool, PostgresStorage, queries::push_tasks};
use simple_queue_benches::{
    agent::Probe,
    contestant::{
        About, BoxError, Contestant, Duty, NewJob, Payload, Result as BenchResult, Role, Setup,
        Suits, Urgency,
    },
};
use sqlx::postgres::PgPoolOptions;
use tokio::{sync::oneshot, task::JoinHandle};

/// With large batches, or with its listener, which starts a job sooner.
pub struct Apalis<const TUNED: bool> {
    pool: PgPool,
}

/// A worker and what stops it.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<BenchResult<()>>,
}

impl<const TUNED: bool> Contestant for Apalis<TUNED> {
    const ABOUT: About = About {
        name: Cow::Borrowed(if TUNED { "apalis-postgres" } else { "apalis-postgres-pubsub" }),
        version: Cow::Borrowed("1.0.0"),
        settings: Cow::Borrowed(if TUNED {
            "batches of 1000, parallel, no locks of single tasks, with_pubsub, interval 10 ms"
        } else {
            "with_pubsub, otherwise the defaults"
        }),
        role: Role::Peer,
        history: true,
        without_history_of: None,
        suits: if TUNED { Suits::Throughput } else { Suits::Latency },
        many_queues: false,
        limits: false,
        transactions: true,
        recovers: false,
        count_left: Cow::Borrowed("select count(*) from apalis.jobs where status <> 'Done'"),
        count_kept: Some(Cow::Borrowed("select count(*) from apalis.jobs where status = 'Done'")),
        claim_all: None,
        fetch: Cow::Borrowed("get_jobs"),
    };

    type Worker = Running;

    async fn connect(setup: Setup) -> BenchResult<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(setup.connections)
            .test_before_acquire(false)
            .connect(&setup.url)
            .await?;
        Ok(Self { pool })
    }

    async fn migrate(&self) -> BenchResult<()> {
        Ok(PostgresStorage::setup(&self.pool).await?)
    }

    async fn enqueue(&self, job: NewJob) -> BenchResult<()> {
        self.enqueue_all(vec![job]).await
    }

    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> BenchResult<()> {
        let mut connection = self.pool.acquire().await?;
        push_tasks(&mut *connection, &crate::name_of(0), tasks(jobs)?).await?;
        Ok(())
    }

    async fn enqueue_and_hold(&self, job: NewJob, hold: Duration) -> BenchResult<()> {
        let mut tx = self.pool.begin().await?;
        push_tasks(&mut *tx, &crate::name_of(0), tasks(vec![job])?).await?;
        tokio::time::sleep(hold).await;
        Ok(tx.commit().await?)
    }

    async fn start(&self, duty: Duty, probe: Probe) -> BenchResult<Running> {
        // Two workers of one name would be one to the others.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("bench-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let config = Config::default().queue(crate::name_of(0));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            // Dropped without a word, it means the same.
            drop(stopped.await);
            Ok::<(), std::io::Error>(())
        };
        let task = if TUNED {
            // Without a strategy an empty fetch is followed by the next after half a minute.
            let storage = PostgresStorage::new(&self.pool)
                .with_config(config.batch_size(1000).lock_tasks(false))
                .with_pubsub()
                .poll_with_strategy(Strategy::new().interval(Duration::from_millis(10)));
            let worker = WorkerBuilder::new(name)
                .backend(storage)
                .data(probe)
                .concurrency(duty.concurrency.unwrap_or(1000))
                .parallelize(|run| tokio::spawn(run))
                .build(measured);
            run(move || worker.run_until(stopped))
        } else {
            let storage = PostgresStorage::new(&self.pool).with_config(config).with_pubsub();
            let worker = WorkerBuilder::new(name).backend(storage).data(probe).build(measured);
            run(move || worker.run_until(stopped))
        };
        Ok(Running { stop, task })
    }

    async fn stop(worker: Running) -> BenchResult<()> {
        drop(worker.stop);
        worker.task.await?
    }
}

/// On a thread of its own: the worker's future cannot be proven to be `Send`. What it spawns runs where all runs.
fn run<F: Future<Output = Result<(), WorkerError>>>(
    worker: impl FnOnce() -> F + Send + 'static,
) -> JoinHandle<BenchResult<()>> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(worker()).map_err(BoxError::from))
}

async fn measured(job: Payload, probe: Data<Probe>) -> Result<(), BoxError> {
    Ok(probe.run(&job).await?)
}

fn tasks(jobs: Vec<NewJob>) -> BenchResult<Vec<apalis_postgres::PgTask>> {
    jobs.into_iter()
        .map(|job| {
            let mut task = TaskBuilder::new(serde_json::to_vec(&job.payload)?).priority(
                // Larger first, and its delays are whole seconds.
                match job.placement.urgency {
                    Urgency::Urgent => 2,
                    Urgency::Usual => 1,
                    Urgency::Low => 0,
                },
            );
            if !job.placement.delay().is_zero() {
                task = task.run_after(job.placement.delay());
            }
            Ok(task.build())
        })
        .collect()
}
