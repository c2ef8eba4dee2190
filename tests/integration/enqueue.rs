//! Stage 1: a payload and its options become a row.

use simple_queue::prelude::*;

use crate::support::{Probe, Say, TestDatabase, eventually};

/// Greets.
#[job(queue = "emails", retries = 5, backoff = "exponential", unique = "welcome:{user_id}")]
async fn send_welcome(mailer: &Mailer, user_id: i64, template: String) -> Result<(), BoxDynError> {
    mailer.sent.lock().unwrap().push((user_id, template));
    Ok(())
}

#[derive(Default)]
struct Mailer {
    sent: std::sync::Mutex<Vec<(i64, String)>>,
}

#[derive(JobState)]
struct App {
    mailer: std::sync::Arc<Mailer>,
}

#[tokio::test]
async fn a_declared_job_goes_from_its_call_to_the_archive() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let mailer = std::sync::Arc::<Mailer>::default();
    queue.register(jobs![SendWelcome], App { mailer: mailer.clone() }).unwrap();

    let enqueued = SendWelcome::new(42, "hello").enqueue(&queue).await.unwrap();
    assert!(enqueued.is_new());
    let again = SendWelcome::new(42, "again").enqueue(&queue).await.unwrap();
    assert!(!again.is_new());
    assert_eq!(again.id(), enqueued.id());

    let worker = queue.start().await;
    eventually("the job is archived", async || database.count("archive").await == 1).await;
    assert_eq!(*mailer.sent.lock().unwrap(), [(42, "hello".to_owned())]);
    worker.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(database.count("workers").await, 0);
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn a_plain_job_runs() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    let id = queue.insert_job(Probe::job(Say::FailBefore(2))).await.unwrap().unwrap();
    assert_eq!(probe.next_run().await.attempt, 1);
    assert_eq!(probe.next_run().await.attempt, 2);
    assert_eq!(queue.wait(id).await.unwrap(), simple_queue::JobStatus::Completed);
    worker.shutdown(std::time::Duration::from_secs(5)).await;
}
