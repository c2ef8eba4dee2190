//! What lies at the ends of a range, and what lies past them.

use simple_queue::{Error, JobStatus, prelude::*};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

#[tokio::test]
async fn what_cannot_be_stored_is_refused_and_what_just_can_be_is_not() {
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
async fn a_job_whose_counters_are_at_their_ends_runs_and_holds_up_no_other() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    let last = Probe::job(Say::Success).with_max_attempts(i32::MAX);
    let id = queue.insert_job(last).await.unwrap().unwrap();
    let failing = Probe::job(Say::Failed).with_max_attempts(i32::MAX);
    let failing = queue.insert_job(failing).await.unwrap().unwrap();
    database
        .execute(
            "update simple_queue.jobs set attempt = 2147483647, reprocess_count = 2147483647,
                 lease = 9223372036854775000",
        )
        .await;
    // Ids and priorities are compared, so the first and the last are no others' equals.
    let ends = "insert into simple_queue.jobs (id, queue, job_data, priority) values
        ('00000000-0000-0000-0000-000000000000', 'probe', '\"Success\"', -32768),
        ('ffffffff-ffff-ffff-ffff-ffffffffffff', 'probe', '\"Success\"', 32767)";
    assert_eq!(database.execute(ends).await, 2);
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
async fn a_job_that_crashed_as_often_as_can_be_counted_is_returned_with_the_others() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_max_crash_count(usize::MAX);
    let job = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    let other = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    // Both run in a process that is in no row any more.
    database
        .execute(
            "update simple_queue.jobs set worker_id = gen_random_uuid(), lease = 1, attempt = 1",
        )
        .await;
    let most = format!("update simple_queue.jobs set crash_count = 2147483647 where id = '{job}'");
    assert_eq!(database.execute(&most).await, 1);
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("all have ended", async || database.count("jobs").await == 0).await;
    assert_eq!(queue.status(other).await.unwrap(), JobStatus::Completed);
    assert_eq!(queue.status(job).await.unwrap(), JobStatus::Completed);
    worker.shutdown(STOP).await;
}
