//! Mistake: `-1` retries, meant as no limit.
//! At: retries = -1

use mailer::{BoxError, Mailer};
use simple_queue::prelude::*;
use sqlx::PgPool;

// The job.
#[job(
    queue = "emails",
    retries = -1,
    backoff = "exponential",
    unique = "welcome:{user_id}",
    timeout = "30s"
)]
async fn send_welcome(mailer: &Mailer, user_id: i64, text: String) -> Result<(), BoxError> {
    mailer.send(user_id, &text).await
}

// The worker.
#[derive(JobState)]
struct App {
    mailer: Mailer,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    let queue = SimpleQueue::new(pool.clone());
    queue.migrate().await?;
    queue.register(jobs![SendWelcome], App { mailer: Mailer })?;

    // One job.
    SendWelcome::new(42, "hello").enqueue(&queue).await?;

    // One in a transaction.
    let mut tx = pool.begin().await?;
    SendWelcome::new(43, "only if this commits").enqueue(&mut tx).await?;
    tx.commit().await?;

    // Until Ctrl-C.
    queue.run_until(tokio::signal::ctrl_c()).await?;
    Ok(())
}
