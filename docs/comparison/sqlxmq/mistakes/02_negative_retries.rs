//! Mistake: `-1` retries, meant as no limit.
//! At: retries = -1

use std::time::Duration;

use mailer::{BoxError, Mailer};
use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, PgPool};
use sqlxmq::{CurrentJob, JobRegistry, job};
use tokio::time::timeout;
use uuid::Uuid;

// The job.
#[derive(Deserialize, Serialize)]
struct SendWelcome {
    user_id: i64,
    text: String,
}

impl SendWelcome {
    async fn spawn(&self, on: impl PgExecutor<'_>) -> Result<(), BoxError> {
        let key = format!("welcome:{}", self.user_id);
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes());
        send_welcome.builder_with_id(id).set_json(self)?.spawn(on).await?;
        Ok(())
    }
}

#[job(channel_name = "emails", retries = -1, backoff_secs = 1)]
async fn send_welcome(mut job: CurrentJob, mailer: Mailer) -> Result<(), BoxError> {
    let args: SendWelcome = job.json()?.ok_or("no payload")?;
    timeout(Duration::from_secs(30), mailer.send(args.user_id, &args.text)).await??;
    job.complete().await?;
    Ok(())
}

// The worker.
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    let mut registry = JobRegistry::new(&[send_welcome]);
    registry.set_context(Mailer);
    let mut runner = registry.runner(&pool).set_channel_names(&["emails"]).run().await?;

    // One job.
    SendWelcome { user_id: 42, text: "hello".into() }.spawn(&pool).await?;

    // One in a transaction.
    let mut tx = pool.begin().await?;
    let job = SendWelcome { user_id: 43, text: "only if this commits".into() };
    job.spawn(&mut *tx).await?;
    tx.commit().await?;

    // Until Ctrl-C.
    tokio::signal::ctrl_c().await?;
    runner.stop().await;
    runner.wait_jobs_finish(Duration::from_secs(30)).await;
    Ok(())
}
