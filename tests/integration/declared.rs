//! Options of a declaration take effect when its jobs run.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use simple_queue::{
    JobStatus,
    prelude::*,
    sync::{JobStrategy, JobStrategyError, Permit, PermitFuture},
    testing::TestQueue,
};
use tokio::sync::Semaphore;

use crate::support::{STOP, TestDatabase, eventually};

const SLOW: JobTemplate =
    JobTemplate::new(JobOptions::new().retries(7).priority(4).tags(&["slow"])).queue("slow");

#[job(template = SLOW, retries = 1, tags("fast", "mine"), retain = "2d", version = 2, upgrade = none)]
async fn inherits(id: i64) {
    let _ = id;
}

#[tokio::test]
async fn a_row_holds_what_the_declaration_and_its_template_say() {
    let database = TestDatabase::migrated().await;
    Inherits::new(1).enqueue(&database.pool).await.unwrap();
    let row: (String, i16, Vec<String>, i32, bool) = sqlx::query_as(
        "select queue, priority, tags, version, retain = interval '2 days' from simple_queue.jobs",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    let tags = vec!["fast".to_owned(), "mine".to_owned()];
    assert_eq!(row, ("slow".to_owned(), 4, tags, 2, true));
}

struct Rooms {
    now: AtomicUsize,
    most: AtomicUsize,
    gate: Semaphore,
}

#[derive(JobState)]
struct House(Arc<Rooms>);

#[job(queue = "rooms", concurrency = 2)]
async fn enter(rooms: &Rooms, id: i64) -> Result<i64, BoxDynError> {
    let now = rooms.now.fetch_add(1, Ordering::SeqCst) + 1;
    rooms.most.fetch_max(now, Ordering::SeqCst);
    rooms.gate.acquire().await?.forget();
    rooms.now.fetch_sub(1, Ordering::SeqCst);
    Ok(id)
}

#[tokio::test]
async fn a_declared_concurrency_is_kept_by_each_process() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let rooms = Rooms { now: 0.into(), most: 0.into(), gate: Semaphore::new(0) };
    let rooms = Arc::new(rooms);
    queue.register(jobs![Enter], House(Arc::clone(&rooms))).unwrap();
    let jobs = Enter::enqueue_all((0..6).map(Enter::new), &queue).await.unwrap();
    let worker = queue.start().await;
    eventually("two are in", async || rooms.now.load(Ordering::SeqCst) == 2).await;
    assert_eq!(database.count("jobs where lease > 0").await, 2, "no more than that was claimed");
    rooms.gate.add_permits(6);
    for job in jobs {
        job.wait(&queue, STOP).await.unwrap();
    }
    assert_eq!(rooms.most.load(Ordering::SeqCst), 2);
    worker.shutdown(STOP).await;
}

struct OnlyEven;

impl JobStrategy for OnlyEven {
    fn acquire(&self, job: &Job) -> PermitFuture<'_> {
        let even = job.job_data["number"].as_i64().is_some_and(|number| number % 2 == 0);
        Box::pin(std::future::ready(if even {
            Ok(Permit::new(()))
        } else {
            Err(JobStrategyError::CancelJob)
        }))
    }
}

static ONLY_EVEN: OnlyEven = OnlyEven;

#[job(queue = "q", strategy = ONLY_EVEN)]
async fn halve(number: i64) -> Result<i64, BoxDynError> {
    Ok(number / 2)
}

#[tokio::test]
async fn a_declared_strategy_decides_which_jobs_may_start() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![Halve], ()).unwrap();
    Halve::new(8).enqueue(&queue).await.unwrap();
    assert_eq!(queue.drain().await.runs[0].result.as_deref(), Some("4"));
    Halve::new(9).enqueue(&queue).await.unwrap();
    assert_eq!(queue.drain().await.runs[0].outcome.status(), Some(JobStatus::Cancelled));
}

static MOURNED: Mutex<Vec<(i64, i32, String)>> = Mutex::new(Vec::new());

async fn mourn(job: Doomed, context: &JobContext, error: &str) -> Result<(), simple_queue::Error> {
    MOURNED.lock().unwrap().push((job.id, context.attempt(), error.to_owned()));
    Halve::new(2).enqueue(context).await?;
    Ok(())
}

#[job(queue = "q", retries = 1, backoff = "none", on_exhausted = mourn)]
async fn doomed(id: i64) -> Result<(), BoxDynError> {
    Err(format!("{id} fails").into())
}

#[tokio::test]
async fn the_function_for_exhausted_jobs_is_called_once_and_may_enqueue_what_follows() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![Doomed, Halve], ()).unwrap();
    Doomed::new(5).enqueue(&queue).await.unwrap();
    let drained = queue.drain().await;
    assert_eq!(drained.errors(), ["5 fails", "5 fails"]);
    assert_eq!(*MOURNED.lock().unwrap(), [(5, 2, "5 fails".to_owned())]);
    assert_eq!(drained.of::<Halve>().len(), 1, "{drained}");
}

fn split_name(version: i32, mut stored: Value) -> Result<Value, String> {
    assert_eq!(version, 1);
    let name = stored["name"].take();
    let name = name.as_str().ok_or("there is no name")?;
    stored["first"] = name.split(' ').next().into();
    Ok(stored)
}

#[job(queue = "q", version = 2, upgrade = split_name)]
async fn greet(first: String) -> Result<String, BoxDynError> {
    Ok(format!("hello {first}"))
}

#[tokio::test]
async fn a_declared_upgrade_brings_stored_jobs_to_the_present_version() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![Greet], ()).unwrap();
    let store = async |payload: &str| -> uuid::Uuid {
        database
            .value(&format!("select id from simple_queue.enqueue('q', 'greet', '{payload}')"))
            .await
    };
    store(r#"{"name": "Ada Lovelace"}"#).await;
    assert_eq!(queue.drain().await.runs[0].result.as_deref(), Some("\"hello Ada\""));
    let nameless = store("{}").await;
    queue.drain().await;
    let ended = queue.wait(nameless, STOP).await.unwrap();
    assert_eq!(ended.status, JobStatus::Unprocessable);
    assert!(ended.reason.unwrap().ends_with("there is no name"));
    Greet::new("Bob").delay(Duration::ZERO).enqueue(&queue).await.unwrap();
    assert_eq!(queue.drain().await.runs[0].result.as_deref(), Some("\"hello Bob\""));
}

async fn follow_up(
    _job: Booked,
    context: &JobContext,
    _error: &str,
) -> Result<(), simple_queue::Error> {
    Halve::new(2).enqueue(context).await?;
    Ok(())
}

#[job(queue = "q", retries = 0, on_exhausted = follow_up)]
async fn booked(_tx: &mut JobTx, id: i64) -> Result<i64, BoxDynError> {
    Ok(id)
}

#[tokio::test]
async fn a_job_that_succeeds_in_its_transaction_at_its_last_attempt_is_not_told_to_have_failed() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![Booked], ()).unwrap();
    Booked::new(11).enqueue(&queue).await.unwrap();
    queue.drain().await.expect_completed(1);
    assert_eq!(database.count("all_jobs where kind = 'halve'").await, 0);
}
