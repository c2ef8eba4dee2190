//! Code for the plain interface compiles and runs unchanged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use simple_queue::{
    prelude::*,
    sync::{BackoffStrategy, InstantStrategy},
};

use crate::support::{STOP, TestDatabase};

struct MyHandler {
    counter: Arc<AtomicUsize>,
}

impl Handler for MyHandler {
    const QUEUE: &'static str = "my-queue";

    async fn process(&self, _queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        assert_eq!(job.status, "running");
        assert_eq!(job.job_data, json!({"n": 1}));
        self.counter.fetch_add(1, Ordering::SeqCst);
        Ok(JobResult::Success)
    }
}

#[tokio::test]
async fn a_program_of_the_plain_interface_runs() {
    let database = TestDatabase::empty().await;
    simple_queue::setup(&database.pool).await.unwrap();
    simple_queue::setup_from_url(&database.url).await.unwrap();
    let queue = SimpleQueue::new_from_url(&database.url)
        .await
        .unwrap()
        .with_global_semaphore(500)
        .with_queue_default_semaphore_size(100)
        .with_default_queue_strategy(Arc::new(InstantStrategy {}))
        .with_default_backoff_strategy(BackoffStrategy::Exponential {
            factor: 2.0,
            max_delay: chrono::Duration::hours(1),
        })
        .with_heartbeat_interval(Duration::from_secs(5))
        .with_empty_poll_sleep(Duration::from_secs(1))
        .with_max_reprocess_count(100)
        .with_janitor_interval(Duration::from_mins(1))
        .with_hold_queue_semaphore(Duration::from_millis(500));
    let queue = Arc::new(queue);
    queue
        .with_queue_semaphore("my-queue".to_owned(), 10)
        .with_queue_strategy("my-queue".to_owned(), InstantStrategy {})
        .with_queue_backoff_strategy(
            "my-queue".to_owned(),
            BackoffStrategy::Custom(|attempt| chrono::Duration::seconds(attempt.into())),
        );
    let counter = Arc::new(AtomicUsize::new(0));
    queue.register_handler(MyHandler { counter: Arc::clone(&counter) });
    let worker = simple_queue::start(queue.clone()).await;

    #[expect(clippy::disallowed_methods, reason = "what a user of the plain interface writes")]
    let now = chrono::Utc::now();
    let job = Job::new("my-queue", json!({"n": 1}))
        .with_unique_key("key")
        .with_run_at(now)
        .with_max_attempts(5)
        .with_fingerprint("print");
    let (ended, id) = queue.insert_job_and_wait(job).await.unwrap().unwrap();
    ended.await.unwrap();
    assert_eq!(counter.load(Ordering::SeqCst), 1);
    let row = format!("archive where id = '{id}' and max_attempts = 5 and fingerprint = 'print'");
    assert_eq!(database.count(&row).await, 1);

    let jobs = vec![json!({"n": 1}).into_job("my-queue"), Job::new("my-queue", json!({"n": 1}))];
    for (ended, _) in queue.insert_jobs_and_wait(jobs).await.unwrap() {
        ended.await.unwrap();
    }
    assert_eq!(counter.load(Ordering::SeqCst), 3);
    queue.cancel_job_by_unique_key("key").await.unwrap();
    queue.cancel_all_jobs_by_fingerprint("print").await.unwrap();
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_open_key_is_answered_with_none() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = || Job::new("my-queue", json!({})).with_unique_key("k");
    assert!(queue.insert_job(job()).await.unwrap().is_some());
    assert!(queue.insert_job(job()).await.unwrap().is_none());
    let inserted = queue.insert_jobs(vec![job(), Job::new("my-queue", json!({}))]).await.unwrap();
    assert_eq!(inserted.len(), 1);
}
