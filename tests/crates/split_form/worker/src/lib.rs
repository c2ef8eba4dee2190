//! The handlers of jobs that are declared in one crate and run in another.
#![cfg(test)]

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use simple_queue::{JobStatus, embedded::EmbeddedPostgres, prelude::*};
use split_interface::{Fail, Greet, Tidy};

struct Greeting(&'static str);

#[derive(JobState)]
struct App {
    greeting: Greeting,
}

/// Makes the text.
#[handler]
async fn greet(
    context: &JobContext,
    greeting: &Greeting,
    Greet { user_id, language }: Greet,
) -> Result<String, BoxDynError> {
    match context.attempt() {
        1 => Err("the first attempt fails".into()),
        _ => Ok(format!("{} {user_id} in {language}", greeting.0)),
    }
}

/// The last reason for which a job has failed for good.
static FAILED_FOR: AtomicU8 = AtomicU8::new(0);

#[handler(on_exhausted = note)]
async fn fail(job: Fail) -> Result<(), String> {
    Err(format!("for reason {}", job.reason))
}

async fn note(job: Fail, context: &JobContext, error: &str) -> Result<(), BoxDynError> {
    assert_eq!((context.attempt(), error), (2, "for reason 7"));
    tokio::task::yield_now().await;
    FAILED_FOR.store(job.reason, Ordering::Relaxed);
    Ok(())
}

#[handler]
async fn tidy(_: Tidy) {}

#[tokio::test]
async fn what_one_crate_declares_another_runs() {
    let server = EmbeddedPostgres::start().await.unwrap();
    let queue = SimpleQueue::connect(server.url()).await.unwrap();
    queue.migrate().await.unwrap();
    let jobs = jobs![GreetHandler, FailHandler, TidyHandler];
    queue.register(jobs, App { greeting: Greeting("Hello") }).unwrap();
    let patience = Duration::from_secs(30);

    split_interface::greet(&queue, 7).await.unwrap();
    let again = Greet { user_id: 7, language: "de".to_owned() }.enqueue(&queue).await.unwrap();
    assert!(!again.is_new());
    let found = Greet::find(7, &queue).await.unwrap().unwrap();
    assert_eq!((found.id, Greet::find(8, &queue).await.unwrap().is_none()), (again.id(), true));
    let unwanted = Greet { user_id: 9, language: String::new() };
    let unwanted = unwanted.enqueue(&queue).await.unwrap().id();
    assert!(Greet::cancel(9, &queue).await.unwrap());
    assert!(!Greet::cancel(9, &queue).await.unwrap());
    for reason in [3, 3, 7] {
        Fail { reason }.enqueue(&queue).await.unwrap();
    }
    assert_eq!(Fail::cancel_all(3, &queue).await.unwrap(), 2);
    let failing = Fail { reason: 7 }.enqueue(&queue).await.unwrap().id();
    let tidy = Tidy.enqueue(&queue).await.unwrap();

    let worker = queue.start().await;
    assert_eq!(again.wait(&queue, patience).await.unwrap(), "Hello 7 in sk");
    tidy.wait(&queue, patience).await.unwrap();
    assert_eq!(queue.wait(failing, patience).await.unwrap().status, JobStatus::Failed);
    assert_eq!(FAILED_FOR.load(Ordering::Relaxed), 7);
    assert_eq!(queue.wait(unwanted, patience).await.unwrap().status, JobStatus::Cancelled);
    worker.shutdown(patience).await;
}
