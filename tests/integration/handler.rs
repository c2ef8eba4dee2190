//! Stage 6: what a run receives, and what ends it.

use std::{fmt, sync::Arc, time::Duration};

use simple_queue::{JobStatus, prelude::*, testing::TestQueue};
use tokio::sync::mpsc;

use crate::support::TestDatabase;

/// The channel that the jobs of these tests report to.
trait Reporter: Send + Sync {
    fn report(&self, text: String);
}

impl Reporter for mpsc::UnboundedSender<String> {
    fn report(&self, text: String) {
        self.send(text).unwrap();
    }
}

#[derive(JobState)]
struct App {
    reporter: Arc<dyn Reporter>,
    greeting: &'static str,
}

#[job(queue = "handler")]
async fn with_everything(
    context: &JobContext,
    reporter: &dyn Reporter,
    greeting: &&'static str,
    name: String,
    times: Option<u8>,
) -> Result<(), fmt::Error> {
    reporter.report(format!(
        "{greeting} {name} {times:?}, {} {} of {}",
        context.kind(),
        context.attempt(),
        context.max_attempts()
    ));
    Ok(())
}

#[job(queue = "handler", retries = 1, backoff = "none")]
async fn fails_once(context: &JobContext) -> Result<(), BoxDynError> {
    match context.attempt() {
        1 => Err("the first attempt fails".into()),
        _ => Ok(()),
    }
}

#[job(queue = "handler", retries = 0, timeout = "20ms")]
async fn never_ends() {
    std::future::pending::<()>().await;
}

#[job(queue = "handler")]
async fn answers_with_a_result() -> Result<JobResult, BoxDynError> {
    Ok(JobResult::Critical)
}

#[job(queue = "handler")]
async fn says_what_should_happen() -> Result<(), JobError> {
    Err(JobError::fail("no attempt can help"))
}

#[job(queue = "handler")]
async fn enqueues_what_follows(context: &JobContext) -> Result<(), simple_queue::Error> {
    FailsOnce::new().enqueue(context).await?;
    Ok(())
}

/// Runs what waits; returns what became of a job.
async fn ended(database: &TestDatabase, queue: &TestQueue, id: uuid::Uuid) -> JobStatus {
    queue.drain().await;
    let status = queue.wait(id, Duration::from_secs(20)).await.unwrap().status;
    assert_eq!(database.count(&format!("jobs where id = '{id}'")).await, 0);
    status
}

#[tokio::test]
async fn a_run_is_given_its_context_its_state_and_its_arguments() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    let (reporter, mut reports) = mpsc::unbounded_channel();
    let app = App { reporter: Arc::new(reporter), greeting: "hello" };
    queue.register(jobs![WithEverything], app).unwrap();
    let id = WithEverything::new("Ann", Some(3)).enqueue(&queue).await.unwrap().id();
    assert_eq!(ended(&database, &queue, id).await, JobStatus::Completed);
    assert_eq!(reports.recv().await.unwrap(), "hello Ann Some(3), with_everything 1 of 3");
}

#[tokio::test]
async fn the_declaration_says_how_often_a_job_runs_how_long_and_what_becomes_of_it() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue
        .register(jobs![FailsOnce, NeverEnds, AnswersWithAResult, SaysWhatShouldHappen], ())
        .unwrap();
    let id = FailsOnce::new().enqueue(&queue).await.unwrap().id();
    assert_eq!(ended(&database, &queue, id).await, JobStatus::Completed);
    let id = NeverEnds::new().enqueue(&queue).await.unwrap().id();
    assert_eq!(ended(&database, &queue, id).await, JobStatus::Failed);
    let error =
        format!("select errors -> 0 ->> 'error' from simple_queue.dead_letters where id = '{id}'");
    assert_eq!(database.value::<String>(&error).await, "took longer than its timeout of 20ms");
    let id = AnswersWithAResult::new().enqueue(&queue).await.unwrap().id();
    assert_eq!(ended(&database, &queue, id).await, JobStatus::CriticalFailure);
    let id = SaysWhatShouldHappen::new().enqueue(&queue).await.unwrap().id();
    assert_eq!(ended(&database, &queue, id).await, JobStatus::CriticalFailure);
    let reason = format!("select reason from simple_queue.dead_letters where id = '{id}'");
    assert_eq!(database.value::<String>(&reason).await, "no attempt can help");
}

#[tokio::test]
async fn a_job_can_enqueue_what_follows_it() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![EnqueuesWhatFollows, FailsOnce], ()).unwrap();
    EnqueuesWhatFollows::new().enqueue(&queue).await.unwrap();
    queue.drain().await.expect_completed(2);
}

#[tokio::test]
async fn a_payload_that_does_not_decode_is_a_dead_letter_and_its_neighbours_run() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    let (reporter, _reports) = mpsc::unbounded_channel();
    let app = App { reporter: Arc::new(reporter), greeting: "hello" };
    queue.register(jobs![WithEverything], app).unwrap();
    let good = WithEverything::new("Ann", None);
    let bad = ["Bob", "Cyd", "Dan"].map(|name| WithEverything::new(name, None));
    let jobs = [good].into_iter().chain(bad);
    let ids = WithEverything::enqueue_all(jobs, &queue).await.unwrap();
    // A field that a later release renamed, a payload nested deeper than can be read, and a wrong type inside.
    let [_, bob, cyd, dan] = &ids[..] else { panic!("four jobs") };
    let renamed = "'{\"nom\": \"Bob\"}'";
    let deep = "('{\"name\":' || repeat('[', 200) || repeat(']', 200) || '}')::jsonb";
    let inside = "'{\"name\": \"Dan\", \"times\": [1]}'";
    for (id, payload) in [(bob, renamed), (cyd, deep), (dan, inside)] {
        assert_eq!(database.change(id.id()).set("job_data", payload).write().await, 1);
    }
    assert_eq!(ended(&database, &queue, ids[0].id()).await, JobStatus::Completed);
    for id in [bob, cyd, dan] {
        assert_eq!(ended(&database, &queue, id.id()).await, JobStatus::Unprocessable);
    }
    assert_eq!(database.count("dead_letters where attempt = 0").await, 3);
    let reason = format!("select reason from simple_queue.dead_letters where id = '{}'", bob.id());
    let reason: String = database.value(&reason).await;
    assert_eq!(reason, "the payload does not fit `with_everything`: missing field `name`");
    let reason = format!("select reason from simple_queue.dead_letters where id = '{}'", dan.id());
    let reason: String = database.value(&reason).await;
    assert!(reason.contains("`with_everything`: times: invalid type: sequence"), "{reason}");
}

/// Errors that decide the outcome of a run, wrapped as applications wrap them.
mod errors {
    use anyhow::Context;
    use simple_queue::prelude::*;

    fn declined() -> Result<(), JobError> {
        Err(JobError::fail("declined"))
    }

    #[job(queue = "errors")]
    pub(super) async fn in_anyhow() -> anyhow::Result<()> {
        Ok(declined()?)
    }

    #[job(queue = "errors")]
    pub(super) async fn in_anyhow_with_context() -> anyhow::Result<()> {
        declined().context("charging the card").context("closing the order")
    }

    #[job(queue = "errors")]
    pub(super) async fn in_a_box() -> Result<(), BoxDynError> {
        Ok(declined()?)
    }

    /// An enum, as many crates have it.
    #[derive(Debug, thiserror::Error)]
    pub(super) enum Own {
        #[error("the provider is down")]
        Down,
    }

    #[job(queue = "errors", retries = 0)]
    pub(super) async fn in_an_own_enum() -> Result<(), Own> {
        Err(Own::Down)
    }
}

#[tokio::test]
async fn what_an_error_says_should_happen_is_found_however_it_is_wrapped() {
    use errors::{InABox, InAnOwnEnum, InAnyhow, InAnyhowWithContext};

    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![InAnyhow, InAnyhowWithContext, InABox, InAnOwnEnum], ()).unwrap();
    let told = [
        (
            InAnyhow::new().enqueue(&queue).await.unwrap().id(),
            JobStatus::CriticalFailure,
            "declined",
        ),
        (
            InAnyhowWithContext::new().enqueue(&queue).await.unwrap().id(),
            JobStatus::CriticalFailure,
            "closing the order: charging the card: declined",
        ),
        (InABox::new().enqueue(&queue).await.unwrap().id(), JobStatus::CriticalFailure, "declined"),
        (
            InAnOwnEnum::new().enqueue(&queue).await.unwrap().id(),
            JobStatus::Failed,
            "the provider is down",
        ),
    ];
    for (id, status, error) in told {
        assert_eq!(ended(&database, &queue, id).await, status, "{error}");
        let stored = format!(
            "select errors -> 0 ->> 'error' from simple_queue.dead_letters where id = '{id}'"
        );
        assert_eq!(database.value::<String>(&stored).await, error);
    }
}
