//! Mistake: `-1` retries, meant as no limit.
//! At: retries(-1)

use std::time::Duration;

use apalis::layers::retry::backoff::{ExponentialBackoffMaker, MakeBackoff};
use apalis::prelude::*;
use apalis_postgres::queries::push_tasks;
use apalis_postgres::{Config, PgPool, PostgresStorage};
use mailer::{BoxError, Mailer};
use serde::{Deserialize, Serialize};

// The job.
#[derive(Clone, Deserialize, Serialize)]
struct SendWelcome {
    user_id: i64,
    text: String,
}

impl SendWelcome {
    fn task(self) -> TaskBuilder<Self> {
        let key = format!("welcome:{}", self.user_id);
        TaskBuilder::new(self).max_attempts(6).idempotency_key(key)
    }
}

async fn send_welcome(job: SendWelcome, mailer: Data<Mailer>) -> Result<(), BoxError> {
    mailer.send(job.user_id, &job.text).await
}

// The worker.
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    PostgresStorage::setup(&pool).await?;
    let mut storage = PostgresStorage::new(&pool).with_config(Config::default().queue("emails"));
    let backoff = ExponentialBackoffMaker::default().make_backoff();
    let worker = WorkerBuilder::new("emails-1")
        .backend(storage.clone())
        .data(Mailer)
        .retry(RetryPolicy::retries(-1).with_backoff(backoff))
        .timeout(Duration::from_secs(30))
        .build(send_welcome);

    // One job.
    let job = SendWelcome { user_id: 42, text: "hello".into() };
    storage.push_task(job.task().build()).await?;

    // One in a transaction.
    let mut tx = pool.begin().await?;
    let job = SendWelcome { user_id: 43, text: "only if this commits".into() };
    let task = job.task().try_map_args(|job| serde_json::to_vec(&job))?.build();
    push_tasks(&mut *tx, "emails", vec![task]).await?;
    tx.commit().await?;

    // Until Ctrl-C.
    worker.run_until(tokio::signal::ctrl_c()).await?;
    Ok(())
}
