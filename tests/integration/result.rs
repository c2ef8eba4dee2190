//! Stage 9: the value that a job returned is kept with it and given to its waiters.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use simple_queue::{Error, JobStatus, prelude::*};

use crate::support::{STOP, TestDatabase};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Receipt {
    number: i64,
    note: String,
}

#[job(queue = "q")]
async fn charge(number: i64) -> Result<Receipt, BoxDynError> {
    Ok(Receipt { number, note: "a\0b".to_owned() })
}

#[job(queue = "q")]
async fn charge_in_transaction(_tx: &mut JobTx, number: i64) -> Result<Option<i64>, BoxDynError> {
    Ok((number > 0).then_some(number))
}

#[job(queue = "q")]
async fn notes_nothing() {}

#[job(queue = "q", retries = 0)]
async fn fails() -> Result<i64, BoxDynError> {
    Err("no".into())
}

#[job(queue = "q")]
async fn returns_too_much() -> Result<String, BoxDynError> {
    Ok("x".repeat(2 * 1024 * 1024))
}

async fn working() -> (TestDatabase, SimpleQueue, simple_queue::WorkerHandle) {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let jobs = jobs![Charge, ChargeInTransaction, NotesNothing, Fails, ReturnsTooMuch];
    queue.register(jobs, ()).unwrap();
    let worker = queue.start().await;
    (database, queue, worker)
}

#[tokio::test]
async fn the_value_that_a_job_returns_reaches_a_waiter_in_another_process() {
    let (database, _queue, worker) = working().await;
    let elsewhere = database.queue().await;
    let job = Charge::new(7).enqueue(&elsewhere).await.unwrap();
    let receipt = job.wait(&elsewhere, STOP).await.unwrap();
    assert_eq!(receipt, Receipt { number: 7, note: "a\u{fffd}b".to_owned() });

    let job = ChargeInTransaction::new(3).enqueue(&elsewhere).await.unwrap();
    assert_eq!(job.wait(&elsewhere, STOP).await.unwrap(), Some(3));
    let job = ChargeInTransaction::new(0).enqueue(&elsewhere).await.unwrap();
    assert_eq!(job.wait(&elsewhere, STOP).await.unwrap(), None);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_returns_nothing_keeps_no_result() {
    let (database, queue, worker) = working().await;
    let job = NotesNothing::new().enqueue(&queue).await.unwrap();
    job.wait(&queue, STOP).await.unwrap();
    assert_eq!(database.count("archive where result is null").await, 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_waiter_learns_why_there_is_no_result() {
    let (_database, queue, worker) = working().await;
    let job = Fails::new().enqueue(&queue).await.unwrap();
    let error = job.wait(&queue, STOP).await.unwrap_err();
    assert!(matches!(&error, Error::NotCompleted { status: JobStatus::Failed, .. }), "{error}");
    assert!(error.to_string().contains("attempt 1 of 1 failed"), "{error}");

    let later = Charge::new(1).delay(Duration::from_hours(1)).enqueue(&queue).await.unwrap();
    let error = later.wait(&queue, Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::WaitTimedOut { job_id, .. } if job_id == later.id()), "{error}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_result_that_cannot_be_stored_is_no_success_and_is_not_tried_again() {
    let (_database, queue, worker) = working().await;
    let job = ReturnsTooMuch::new().enqueue(&queue).await.unwrap();
    let ended = queue.wait(job.id(), STOP).await.unwrap();
    assert_eq!(ended.status, JobStatus::CriticalFailure);
    let reason = ended.reason.unwrap();
    assert!(reason.starts_with("its result cannot be stored: it has 2097154 bytes"), "{reason}");
    worker.shutdown(STOP).await;
}
