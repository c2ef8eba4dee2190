//! Mistake: `-1` attempts, meant as no limit.
//! Otherwise: the database refuses the job when it is added.

use std::time::Duration;

use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, JobSpecBuilder, TaskHandler, WorkerContext, WorkerOptions,
};
use mailer::{BoxError, Mailer};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::time::timeout;

// The job.
#[derive(Deserialize, Serialize)]
struct SendWelcome {
    user_id: i64,
    text: String,
}

impl SendWelcome {
    fn spec(&self) -> JobSpec {
        JobSpecBuilder::new()
            .queue_name("emails")
            .max_attempts(-1)
            .job_key(format!("welcome:{}", self.user_id))
            .build()
    }
}

impl TaskHandler for SendWelcome {
    const IDENTIFIER: &'static str = "send_welcome";

    async fn run(self, ctx: WorkerContext) -> impl IntoTaskHandlerResult {
        let mailer = ctx.get_ext::<Mailer>().ok_or("no Mailer")?;
        timeout(Duration::from_secs(30), mailer.send(self.user_id, &self.text)).await??;
        Ok::<(), BoxError>(())
    }
}

// The worker.
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    let worker = WorkerOptions::default()
        .pg_pool(pool.clone())
        .concurrency(10)
        .add_extension(Mailer)
        .define_job::<SendWelcome>()
        .init()
        .await?;
    let utils = worker.create_utils();

    // One job.
    let job = SendWelcome { user_id: 42, text: "hello".into() };
    let spec = job.spec();
    utils.add_job(job, spec).await?;

    // One in a transaction.
    let mut tx = pool.begin().await?;
    let job = SendWelcome { user_id: 43, text: "only if this commits".into() };
    let spec = job.spec();
    utils.with_executor(&mut tx).add_job(job, spec).await?;
    tx.commit().await?;

    // Until Ctrl-C.
    worker.run().await?;
    Ok(())
}
