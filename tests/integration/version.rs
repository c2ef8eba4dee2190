//! A payload that another build stored: brought up to date, or left to that build.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simple_queue::{
    Enqueue, JobContext, JobOptions, JobStatus,
    prelude::*,
    typed::{JobPayload, Outcome, TypedHandler},
};

use crate::support::{STOP, TestDatabase, eventually};

/// Declared by hand: what `#[job]` would write.
#[derive(Serialize, Deserialize)]
struct Greet {
    name: String,
}

impl JobPayload for Greet {
    type Output = String;
    const KIND: &'static str = "greet";
    const QUEUE: &'static str = "q";
    const OPTIONS: JobOptions = JobOptions::new();
    const DECLARED_AT: &'static str = "here";
    const VERSION: i32 = 3;

    fn upgrade(version: i32, stored: Value) -> Result<Value, BoxDynError> {
        match version {
            1 => Ok(json!({ "name": stored["first_name"] })),
            other => Err(format!("no stored job has version {other}").into()),
        }
    }
}

impl TypedHandler<()> for Greet {
    async fn run(job: Self, _state: &(), _context: &JobContext) -> Outcome {
        use simple_queue::typed::IntoOutcome as _;
        Ok::<_, BoxDynError>(format!("hello {}", job.name)).into_outcome(|_| None)
    }
}

/// Its unique key finds the job of the test.
#[job(queue = "q", unique = "{id}", derive(Debug))]
async fn mail(id: i64) {
    let _ = id;
}

/// Stores a job as the build of this version would.
async fn store(database: &TestDatabase, version: i32, payload: Value) -> uuid::Uuid {
    let job = database.job().queue("q").kind("greet");
    job.version(version).payload(payload).insert().await
}

#[tokio::test]
async fn an_older_payload_is_upgraded_a_foreign_one_set_aside_and_a_newer_one_left_to_its_build() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Greet], ()).unwrap();
    let worker = queue.start().await;

    let current = Enqueue::new(Greet { name: "Ada".into() }).enqueue(&queue).await.unwrap();
    assert_eq!(current.wait(&queue, STOP).await.unwrap(), "hello Ada");

    let old = store(&database, 1, json!({ "first_name": "Bob" })).await;
    let ended = queue.wait(old, STOP).await.unwrap();
    assert_eq!(ended.result, Some(json!("hello Bob")));

    let foreign = store(&database, 2, json!({})).await;
    let ended = queue.wait(foreign, STOP).await.unwrap();
    assert_eq!(ended.status, JobStatus::Unprocessable);
    assert_eq!(
        ended.reason.unwrap(),
        "the payload of version 2 cannot be brought to version 3 of `greet`: no stored job has version 2"
    );

    let newer = store(&database, 4, json!({ "surname": "C" })).await;
    eventually("it was looked at and put back", async || {
        database.count("jobs where version = 4 and lease = 2 and attempt = 0").await == 1
    })
    .await;
    assert_eq!(database.count("jobs where run_at > now() + interval '5 s'").await, 1);

    database.change(newer).unique_key("mail:1").write().await;
    let found = Mail::find(1, &queue).await.unwrap().expect("it waits");
    let error = found.payload().unwrap_err().to_string();
    assert!(error.ends_with("a later build stored it as version 4"), "{error}");
    worker.shutdown(STOP).await;
}
