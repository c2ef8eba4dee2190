//! Mistake: `-1` attempts, meant as no limit.
//! At: max_attempts = -1

use std::time::Duration;

use mailer::Mailer;
use riverqueue::migrate::PostgresMigrator;
use riverqueue::sqlx::PgPool;
use riverqueue::{
    BoxError, Client, Job, JobArgs, QueueConfig, WorkContext, WorkOutcome, Worker, WorkerTimeout,
    Workers,
};
use serde::{Deserialize, Serialize};

// The job.
#[derive(Deserialize, JobArgs, Serialize)]
#[river(kind = "send_welcome", queue = "emails", max_attempts = -1, unique(by_args))]
struct SendWelcome {
    #[river(unique)]
    user_id: i64,
    text: String,
}

struct SendWelcomeWorker {
    mailer: Mailer,
}

impl Worker<SendWelcome> for SendWelcomeWorker {
    type Error = BoxError;

    fn timeout(&self, _job: &Job<SendWelcome>) -> WorkerTimeout {
        WorkerTimeout::After(Duration::from_secs(30))
    }

    async fn work(
        &self,
        _context: WorkContext,
        job: Job<SendWelcome>,
    ) -> Result<WorkOutcome, BoxError> {
        self.mailer.send(job.args.user_id, &job.args.text).await?;
        Ok(WorkOutcome::Complete)
    }
}

// The worker.
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    PostgresMigrator::new(pool.clone()).migrate_up().await?;
    let mut workers = Workers::new();
    workers.add(SendWelcomeWorker { mailer: Mailer })?;
    let client = Client::builder(pool.clone())
        .workers(workers)
        .queue("emails", QueueConfig::new(10))
        .build()?;

    // One job.
    client.insert(SendWelcome { user_id: 42, text: "hello".into() }).await?;

    // One in a transaction.
    let mut tx = riverqueue::database::begin_postgres(&pool).await?;
    let job = SendWelcome { user_id: 43, text: "only if this commits".into() };
    client.insert(job).tx(&mut tx).await?;
    tx.commit().await?;

    // Until Ctrl-C.
    let mut run = client.start_with_graceful_stop(async {
        tokio::signal::ctrl_c().await.expect("Ctrl-C can be heard");
    })?;
    run.wait().await?;
    Ok(())
}
