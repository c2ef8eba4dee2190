//! Stopping loses nothing and burns no attempt.

use std::time::Duration;

use simple_queue::prelude::*;

use crate::support::{Probe, STOP, Say, TestDatabase, Working, eventually, working};

#[tokio::test]
async fn a_stop_waits_for_running_jobs() {
    let Working { database, queue, probe, worker } = working().await;
    queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap();
    probe.next_run().await;
    queue
        .insert_job(Probe::job(Say::WaitForGate).with_run_at(
            chrono::DateTime::<chrono::Utc>::MAX_UTC - chrono::TimeDelta::days(90_000_000),
        ))
        .await
        .unwrap();
    let stop = tokio::spawn(worker.shutdown(STOP));
    probe.open_gate(1);
    stop.await.unwrap();
    assert_eq!(database.count("archive").await, 1);
    assert_eq!(database.count("jobs where attempt = 0").await, 1);
    assert_eq!(database.count("workers").await, 0);
}

#[tokio::test]
async fn a_stop_may_take_any_time() {
    let Working { database, queue, probe, worker } = working().await;
    queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap();
    probe.next_run().await;
    let stop = tokio::spawn(worker.shutdown(Duration::MAX));
    probe.open_gate(1);
    stop.await.unwrap();
    assert_eq!(database.count("archive").await, 1);
    assert_eq!(database.count("workers").await, 0);
}

#[tokio::test]
async fn every_duration_is_accepted() {
    const MAX: Duration = Duration::MAX;
    #[job(queue = "q")]
    async fn nothing() {}
    let database = TestDatabase::migrated().await;
    let queue = database
        .queue()
        .await
        .with_heartbeat_interval(MAX)
        .with_empty_poll_sleep(MAX)
        .with_hold_queue_semaphore(MAX)
        .with_cancel_grace(MAX)
        .with_statement_timeout(MAX)
        .with_retention(simple_queue::Retention::new().archive(MAX).dead_letters(MAX));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    queue.register(jobs![Nothing], ()).unwrap();
    let worker = queue.start().await;
    let done = Nothing::new().expires(MAX).enqueue(&queue).await.unwrap();
    queue.wait(done.id(), MAX).await.unwrap();
    Nothing::new().delay(MAX).expires(MAX).enqueue(&queue).await.unwrap();
    let cancelled = queue.insert_job(Probe::job(Say::WaitForCancellation)).await.unwrap().unwrap();
    probe.next_run().await;
    assert!(queue.cancel(cancelled).await.unwrap());
    queue.wait(cancelled, MAX).await.unwrap();
    worker.shutdown(MAX).await;
    assert_eq!(database.count("jobs where expires_at > now() + interval '1000 years'").await, 1);
}

#[tokio::test]
async fn a_worker_starts_though_its_start_is_not_waited_for() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let starting = queue.start();
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    starting.await.shutdown(STOP).await;

    drop(queue.start());
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
}

#[test]
fn a_start_that_is_made_outside_of_a_runtime_begins_in_the_one_that_waits_for_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::migrated());
    let queue = runtime.block_on(database.queue());
    let worker = runtime.block_on(queue.start());
    assert_eq!(runtime.block_on(database.count("workers")), 1);
    runtime.block_on(worker.shutdown(STOP));
}

#[tokio::test]
async fn a_job_that_still_runs_at_the_deadline_is_given_back_with_its_attempt() {
    let Working { database, queue, probe, worker } = working().await;
    queue.insert_jobs((0..5).map(|_| Probe::job(Say::Hang)).collect()).await.unwrap();
    for _ in 0..5 {
        probe.next_run().await;
    }
    worker.shutdown(Duration::from_millis(10)).await;
    let given_back =
        "jobs where worker_id is null and attempt = 0 and lease = 2 and crash_count = 0";
    assert_eq!(database.count(given_back).await, 5);
    assert_eq!(database.count("workers").await, 0);
}

#[tokio::test]
async fn dropping_the_handle_stops_nothing() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    drop(queue.start().await);
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    eventually("it is archived", async || database.count("archive").await == 1).await;
}

#[tokio::test]
async fn run_until_works_until_its_future_is_ready() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    queue.run_until(probe.next_run()).await.unwrap();
    assert_eq!(database.count("archive").await, 1);
    assert_eq!(database.count("workers").await, 0);
}

#[tokio::test]
async fn a_stopped_queue_can_be_started_again() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    for _ in 0..2 {
        let worker = queue.start().await;
        queue.insert_job(Probe::job(Say::Success)).await.unwrap();
        probe.next_run().await;
        worker.shutdown(STOP).await;
    }
    assert_eq!(database.count("archive").await, 2);
}
