//! Cancelling jobs.

use simple_queue::{JobStatus, prelude::*};

use crate::support::{Probe, STOP, Say, TestDatabase, Working, working};

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = |key: &str| Probe::job(Say::Success).with_unique_key(key).with_fingerprint("group");
    queue.insert_jobs(vec![job("a"), job("b"), job("c")]).await.unwrap();
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();

    queue.cancel_job_by_unique_key("a").await.unwrap();
    assert_eq!(database.count("dead_letters where status = 'cancelled' and attempt = 0").await, 1);
    queue.cancel_all_jobs_by_fingerprint("group").await.unwrap();
    assert_eq!(database.count("dead_letters where status = 'cancelled'").await, 3);
    assert_eq!(database.count("jobs").await, 1, "the one without a fingerprint");
    queue.cancel_job_by_unique_key("a").await.unwrap();
}

#[tokio::test]
async fn a_running_job_hears_of_its_cancellation_from_another_process() {
    let Working { database, queue, probe, worker } = working().await;
    let job = Probe::job(Say::WaitForCancellation).with_unique_key("k");
    let id = queue.insert_job(job).await.unwrap().unwrap();
    probe.next_run().await;
    let elsewhere = database.queue().await;
    elsewhere.cancel_job_by_unique_key("k").await.unwrap();
    // The handler answers that the attempt failed, and the job is not tried again.
    assert_eq!(elsewhere.wait(id, STOP).await.unwrap().status, JobStatus::Cancelled);
    worker.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await, []);
}

#[tokio::test]
async fn a_running_job_hears_of_its_cancellation_though_no_notification_arrives() {
    let Working { database, queue, probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::WaitForCancellation)).await.unwrap().unwrap();
    probe.next_run().await;
    database.change_jobs().cancel_requested().write().await;
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Cancelled);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_goes_on_after_its_cancellation_is_dropped_after_the_grace_period() {
    let Working { queue, probe, worker, .. } = working().await;
    let job = Probe::job(Say::Hang).with_fingerprint("f");
    let id = queue.insert_job(job).await.unwrap().unwrap();
    probe.next_run().await;
    queue.cancel_all_jobs_by_fingerprint("f").await.unwrap();
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Cancelled);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_success_within_the_grace_period_wins_over_the_cancellation() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_cancel_grace(STOP);
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    let job = Probe::job(Say::WaitForGate).with_unique_key("k");
    let id = queue.insert_job(job).await.unwrap().unwrap();
    probe.next_run().await;
    queue.cancel_job_by_unique_key("k").await.unwrap();
    probe.open_gate(1);
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_cancellation_that_arrives_between_the_outcome_and_its_write_still_cancels() {
    let Working { database, queue, probe, worker } = working().await;
    let job = Probe::job(Say::FailBefore(i32::MAX)).with_max_attempts(i32::MAX);
    let id = queue.insert_job(job).await.unwrap().unwrap();
    // A request ends the job at whatever point of its many attempts it arrives.
    probe.next_run().await;
    let ask = || database.change_jobs().only("worker_id is not null").cancel_requested().write();
    ask().await;
    while database.count("jobs where cancel_requested_at is null").await == 1 {
        ask().await;
    }
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Cancelled);
    worker.shutdown(STOP).await;
}

#[job(queue = "q", unique = "{id}", fingerprint = "{group}")]
async fn grouped(id: i64, group: String) {
    let _ = (id, group);
}

#[tokio::test]
async fn live_jobs_are_found_and_cancelled_by_what_they_were_declared_with() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for id in 1..=4 {
        Grouped::new(id, if id < 3 { "a" } else { "b" }).enqueue(&queue).await.unwrap();
    }
    let found = Grouped::find(2, &queue).await.unwrap().unwrap();
    assert_eq!((found.status.as_str(), found.job_data["id"].as_i64()), ("pending", Some(2)));
    assert!(Grouped::find(9, &database.pool).await.unwrap().is_none());

    let mut tx = database.pool.begin().await.unwrap();
    assert!(Grouped::cancel(2, &mut tx).await.unwrap());
    tx.rollback().await.unwrap();
    assert!(Grouped::cancel(1, &queue).await.unwrap());
    assert!(!Grouped::cancel(1, &queue).await.unwrap(), "it is over");
    assert_eq!(Grouped::cancel_all("b", &queue).await.unwrap(), 2);
    assert_eq!(database.count("jobs").await, 1, "only the second is left");
}
