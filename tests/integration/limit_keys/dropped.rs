//! Sequences whose other jobs are cancelled when one fails for good.

use simple_queue::{WorkerHandle, prelude::*};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::Watch;
use crate::support::{STOP, TestDatabase, eventually};

#[job(queue = "dropped", retries = 0, order(key = "{key}", after_failure = "drop"))]
async fn import(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

const GATE: &str = "order:dropped/import#1";

async fn start(database: &TestDatabase, watch: &Watch) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register(jobs![Import], watch.clone()).unwrap();
    let worker = queue.start().await;
    (queue, worker)
}

#[tokio::test]
async fn what_waits_behind_a_failed_job_is_cancelled_and_later_jobs_run() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let (queue, worker) = start(&database, &watch).await;
    Import::new(1, 0).enqueue(&queue).await.unwrap();
    Import::new(2, 100).enqueue(&queue).await.unwrap();
    Import::new(2, 101).enqueue(&queue).await.unwrap();
    eventually("both keys run", async || watch.running() == 2).await;
    // More than one statement cancels.
    let rows = database.job().queue("dropped").kind("import").set("gate", format!("'{GATE}'"));
    rows.set("job_data", r#"'{"key": 1, "number": 1}'"#).insert_many(2500).await;
    let first = database.value::<Uuid>(
        "select id from simple_queue.jobs where worker_id is not null and gate like '%#1'",
    );
    let first = first.await;
    watch.fail(0, 1);
    watch.gate.add_permits(1000);
    eventually("they are cancelled", async || {
        database.count("dead_letters where status = 'cancelled'").await == 2500
    })
    .await;
    let why = format!("dead_letters where reason like 'job {first}, which came before it%'");
    assert_eq!(database.count(&why).await, 2500);
    Import::new(1, 2).enqueue(&queue).await.unwrap();
    eventually("all are done", async || database.is_settled().await).await;
    let mut begun = watch.begun();
    begun.sort_unstable();
    assert_eq!(begun, [(1, 0), (1, 2), (2, 100), (2, 101)]);
    assert_eq!(database.count("dead_letters").await, 2501);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn nothing_passes_a_failed_job_while_one_behind_it_cannot_be_cancelled() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let (queue, worker) = start(&database, &watch).await;
    Import::new(1, 0).enqueue(&queue).await.unwrap();
    eventually("it runs", async || watch.running() == 1).await;
    let second = Import::new(1, 1).enqueue(&queue).await.unwrap().id();
    Import::new(1, 2).enqueue(&queue).await.unwrap();
    let mut user = PgConnection::connect(&database.url).await.unwrap();
    let lock = format!("begin; select from simple_queue.jobs where id = '{second}' for update");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut user).await.unwrap();
    watch.fail(0, 1);
    watch.gate.add_permits(1000);
    eventually("the other is cancelled", async || {
        database.count("dead_letters where status = 'cancelled'").await == 1
    })
    .await;
    Import::new(1, 3).enqueue(&queue).await.unwrap();
    let halted = "turns where due_at = 'infinity'";
    assert_eq!((database.count(halted).await, watch.begun().len()), (1, 1));
    assert_eq!(database.miscounted().await, 0);
    user.close().await.unwrap();
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.begun(), [(1, 0), (1, 3)]);
    worker.shutdown(STOP).await;
}
