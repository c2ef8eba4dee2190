//! How long a job may wait to be started. The time begins anew whenever the job becomes due.

use std::{sync::Arc, time::Duration};

use simple_queue::{
    JobStatus,
    prelude::*,
    sync::{JobStrategy, JobStrategyError, Permit, PermitFuture},
};
use tokio::sync::Semaphore;

use crate::support::{Mortal, STOP, TestDatabase, eventually};

/// Waits in its first run until the test opens the gate, and then ends as its payload says.
#[job(queue = "letters", expires = "2s", retries = 1, backoff = "none")]
async fn send_letter(
    context: &JobContext,
    gate: &Semaphore,
    ending: String,
) -> Result<(), BoxDynError> {
    let is_first = gate.try_acquire().map(tokio::sync::SemaphorePermit::forget).is_err();
    if !is_first {
        return Ok(());
    }
    gate.acquire().await?.forget();
    match ending.as_str() {
        "failure" if context.attempt() == 1 => Err("once more".into()),
        _ => Err(JobError::snooze(Duration::ZERO).into()),
    }
}

#[derive(JobState)]
struct App {
    gate: Arc<Semaphore>,
}

async fn queue_with(database: &TestDatabase, gate: &Arc<Semaphore>) -> SimpleQueue {
    let queue = database.queue().await;
    queue.register(jobs![SendLetter], App { gate: Arc::clone(gate) }).unwrap();
    queue
}

async fn runs_for_longer_than_it_may_wait(database: &TestDatabase) {
    let late = "jobs where worker_id is not null and expires_at < now()";
    eventually("it runs longer than it may wait", async || database.count(late).await == 1).await;
}

#[tokio::test]
async fn a_job_that_was_started_in_time_may_wait_as_long_for_its_next_run() {
    for ending in ["failure", "snooze"] {
        let database = TestDatabase::migrated().await;
        let gate = Arc::new(Semaphore::new(0));
        let queue = queue_with(&database, &gate).await;
        let worker = queue.start().await;
        let id = SendLetter::new(ending).enqueue(&queue).await.unwrap().id();
        runs_for_longer_than_it_may_wait(&database).await;
        // One permit for this run, one for the next.
        gate.add_permits(2);
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed, "{ending}");
        worker.shutdown(STOP).await;
    }
}

#[tokio::test]
async fn a_job_that_a_stop_gave_back_may_wait_as_long_for_the_next_process() {
    let database = TestDatabase::migrated().await;
    let gate = Arc::new(Semaphore::new(0));
    let queue = queue_with(&database, &gate).await;
    let worker = queue.start().await;
    let id = SendLetter::new("none").enqueue(&queue).await.unwrap().id();
    runs_for_longer_than_it_may_wait(&database).await;
    worker.shutdown(Duration::ZERO).await;
    let waits = "jobs where worker_id is null and expires_at - run_at = interval '2 s'";
    assert_eq!(database.count(waits).await, 1);
    gate.add_permits(1);
    let worker = queue.start().await;
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_whose_process_died_may_wait_as_long_for_the_next() {
    let database = TestDatabase::migrated().await;
    let gate = Arc::new(Semaphore::new(0));
    let queue = queue_with(&database, &gate).await;
    let (url, closed) = (database.url.clone(), Arc::clone(&gate));
    let mortal = Mortal::start(move || async move {
        let queue = TestDatabase::queue_at(&url).await;
        queue.register(jobs![SendLetter], App { gate: closed }).unwrap();
        queue
    })
    .await;
    let id = SendLetter::new("none").enqueue(&queue).await.unwrap().id();
    runs_for_longer_than_it_may_wait(&database).await;
    mortal.kill();
    gate.add_permits(1);
    let worker = queue.start().await;
    assert_eq!(queue.wait(id, STOP * 2).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
    assert_eq!(database.count("archive where crash_count = 1").await, 1);
}

/// Gives no permit.
struct Never;

impl JobStrategy for Never {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::pending::<Result<Permit, JobStrategyError>>())
    }
}

#[tokio::test]
async fn a_job_that_gets_no_permit_goes_on_waiting_until_it_expires() {
    let database = TestDatabase::migrated().await;
    let queue = queue_with(&database, &Arc::new(Semaphore::new(1))).await;
    let queue = queue.with_hold_queue_semaphore(Duration::from_millis(100));
    queue.with_queue_strategy("letters", Never);
    let worker = queue.start().await;
    let id = SendLetter::new("none").enqueue(&queue).await.unwrap().id();
    let ended = queue.wait(id, STOP).await.unwrap();
    assert_eq!(ended.status, JobStatus::Cancelled);
    worker.shutdown(STOP).await;
    assert_eq!(database.count("dead_letters where lease > 2").await, 1, "it was claimed before");
}

#[tokio::test]
async fn a_job_that_expires_at_the_end_of_the_calendar_ends_like_others() {
    for expires_at in ["infinity", "294276-12-31 23:59:59+00"] {
        let database = TestDatabase::migrated().await;
        let gate = Arc::new(Semaphore::new(0));
        let queue = queue_with(&database, &gate).await;
        let worker = queue.start().await;
        let id = SendLetter::new("failure").enqueue(&queue).await.unwrap().id();
        eventually("it runs", async || database.count("jobs where lease = 1").await == 1).await;
        let far = database.change(id).set("expires_at", format!("'{expires_at}'"));
        assert_eq!(far.write().await, 1);
        gate.add_permits(2);
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
        worker.shutdown(STOP).await;
    }
}
