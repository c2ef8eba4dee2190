//! Values at the ends of a range, and past them.

use simple_queue::{Error, JobStatus, prelude::*};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

#[tokio::test]
async fn values_past_a_limit_are_refused_and_values_at_the_limit_are_stored() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let nested =
        |levels| (0..levels).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let refused = [
        Job::new("q".repeat(300), ()),
        Job::new("q", "x".repeat(10 * 1024 * 1024)),
        Job::new("q", "a \0"),
        Job::new("q", nested(128)),
    ];
    for job in refused {
        let error = queue.insert_job(job).await.unwrap_err();
        let error = error.downcast_ref::<Error>().expect("an error of the library's");
        let refused =
            matches!(error, Error::InvalidQueueName { .. } | Error::InvalidPayload { .. });
        assert!(refused && !error.is_transient(), "{error}");
    }
    assert_eq!(database.count("jobs").await, 0);
    let just_fine = [
        Job::new("q".repeat(63), ()),
        Job::new("q", "x".repeat(1024 * 1024 - 2)),
        Job::new("q", "a \\0 \u{1}"),
        Job::new("q", nested(127)),
        Job::new("q", ()).with_unique_key("k".repeat(512)).with_max_attempts(i32::MAX),
    ];
    assert_eq!(queue.insert_jobs(just_fine.to_vec()).await.unwrap().len(), 5);
    assert_eq!(database.count("jobs").await, 5);
}

#[tokio::test]
async fn a_job_with_the_largest_counters_runs_and_holds_up_no_other() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    let last = Probe::job(Say::Success).with_max_attempts(i32::MAX);
    let id = queue.insert_job(last).await.unwrap().unwrap();
    let failing = Probe::job(Say::Failed).with_max_attempts(i32::MAX);
    let failing = queue.insert_job(failing).await.unwrap().unwrap();
    let change = database.change_jobs().attempt(i32::MAX).reprocess_count(i32::MAX);
    change.lease(i64::MAX - 807).write().await;
    // Ids and priorities are compared, and nothing comes before the first or after the last.
    database.job().id(uuid::Uuid::nil()).priority(i16::MIN).insert().await;
    database.job().id(uuid::Uuid::max()).priority(i16::MAX).insert().await;
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    eventually("all have ended", async || database.count("jobs").await == 0).await;
    for ended in [id, uuid::Uuid::nil(), uuid::Uuid::max()] {
        assert_eq!(queue.status(ended).await.unwrap(), JobStatus::Completed);
    }
    assert_eq!(queue.status(failing).await.unwrap(), JobStatus::Failed);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_with_the_largest_crash_count_is_returned_with_the_others() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_max_crash_count(usize::MAX);
    let job = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    let other = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    // Both run in processes that have no row any more.
    database.change_jobs().running_nowhere().write().await;
    database.change(job).crash_count(i32::MAX).write().await;
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("all have ended", async || database.count("jobs").await == 0).await;
    assert_eq!(queue.status(other).await.unwrap(), JobStatus::Completed);
    assert_eq!(queue.status(job).await.unwrap(), JobStatus::Completed);
    worker.shutdown(STOP).await;
}
