//! Stage 7, through the database: an outcome becomes a row in the right table.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use simple_queue::{JobStatus, prelude::*, sync::BackoffStrategy, testing::TestQueue};
use tokio::sync::mpsc;

use crate::support::{Log, Probe, STOP, Say, TestDatabase, eventually};

#[tokio::test]
async fn every_answer_of_a_plain_handler_ends_as_the_table_of_outcomes_says() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_max_reprocess_count(3);
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    let rows = [
        (Say::Success, JobStatus::Completed, 1, 0),
        (Say::FailBefore(3), JobStatus::Completed, 3, 0),
        (Say::Failed, JobStatus::Failed, 3, 0),
        (Say::Error, JobStatus::Failed, 3, 0),
        (Say::RetryLongAgo, JobStatus::Failed, 3, 0),
        (Say::Panic, JobStatus::Failed, 3, 0),
        (Say::Critical, JobStatus::CriticalFailure, 1, 0),
        (Say::Cancel, JobStatus::Cancelled, 1, 0),
        (Say::Unprocessable, JobStatus::Unprocessable, 0, 0),
        (Say::HandlerMissing, JobStatus::Unprocessable, 0, 0),
        (Say::RescheduleNow, JobStatus::BadJob, 1, 3),
    ];
    for (say, status, attempts, reprocessed) in rows {
        let id = queue.insert_job(Probe::job(say)).await.unwrap().unwrap();
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, status, "{say:?}");
        let table = if status == JobStatus::Completed { "archive" } else { "dead_letters" };
        let row: (i32, i32) = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select attempt, reprocess_count from simple_queue.{table} where id = $1"
        )))
        .bind(id)
        .fetch_one(&database.pool)
        .await
        .unwrap();
        assert_eq!(row, (attempts, reprocessed), "{say:?}");
    }
    assert_eq!(database.count("jobs").await, 0);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_dead_letter_holds_the_reason_and_the_errors_of_its_attempts() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register_handler(Probe::new());
    queue.insert_job(Probe::job(Say::Panic).with_max_attempts(2)).await.unwrap();
    queue.drain().await;

    let reason: String = database.value("select reason from simple_queue.dead_letters").await;
    assert_eq!(reason, "attempt 2 of 2 failed");
    let errors: serde_json::Value =
        database.value("select errors from simple_queue.dead_letters").await;
    let errors = errors.as_array().unwrap();
    assert_eq!(errors.len(), 2);
    for (error, attempt) in errors.iter().zip(1..) {
        assert_eq!(error["attempt"], attempt);
        assert_eq!(error["error"], "panicked: the probe was told to panic");
        assert!(error["at"].is_string());
    }
}

#[tokio::test]
async fn only_the_last_ten_errors_are_kept() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register_handler(Probe::new());
    queue.insert_job(Probe::job(Say::Error).with_max_attempts(15)).await.unwrap();
    queue.drain().await;
    let kept = "select string_agg(e ->> 'attempt', ' ') from simple_queue.dead_letters, jsonb_array_elements(errors) e";
    assert_eq!(database.value::<String>(kept).await, "6 7 8 9 10 11 12 13 14 15");
}

#[job(queue = "emails", retries = 0)]
async fn fails_with_a_nul() -> Result<(), BoxDynError> {
    Err("before \0 after".into())
}

#[tokio::test]
async fn a_nul_in_an_error_does_not_keep_the_failure_from_being_written() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![FailsWithANul], ()).unwrap();
    FailsWithANul::new().enqueue(&queue).await.unwrap();
    queue.drain().await;
    let error: String =
        database.value("select errors -> 0 ->> 'error' from simple_queue.dead_letters").await;
    assert_eq!(error, "before \u{FFFD} after");
}

#[tokio::test]
async fn a_back_off_that_panics_keeps_no_job_from_ending() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    let panics = BackoffStrategy::Custom(|_| panic!("the back-off was told to panic"));
    queue.with_queue_backoff_strategy(Probe::QUEUE, panics);
    let worker = queue.start().await;
    for (say, table) in
        [(Say::Success, "archive"), (Say::Failed, "jobs where worker_id is null and lease = 2")]
    {
        queue.insert_job(Probe::job(say)).await.unwrap();
        eventually("it is written", async || database.count(table).await == 1).await;
    }
    worker.shutdown(STOP).await;
    assert_eq!(
        database.count("jobs where attempt = 1 and run_at > now() - interval '1 s'").await,
        1
    );
}

/// Records the failures for good that it hears of, and then does what the test wants.
struct Mourner {
    probe: Probe,
    told: mpsc::UnboundedSender<(String, i32, String)>,
    then: fn() -> Result<(), BoxDynError>,
}

impl Handler for Mourner {
    const QUEUE: &'static str = Probe::QUEUE;
    const OPTIONS: JobOptions = JobOptions::new().max_attempts(5);

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        self.probe.process(queue, job).await
    }

    async fn exhausted(
        &self,
        _queue: &SimpleQueue,
        job: &Job,
        error: &str,
    ) -> Result<(), BoxDynError> {
        self.told.send((job.status.clone(), job.attempt, error.to_owned()))?;
        (self.then)()
    }
}

async fn mourned(then: fn() -> Result<(), BoxDynError>) {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_max_reprocess_count(2);
    let (told, mut heard) = mpsc::unbounded_channel();
    queue.register_handler(Mourner { probe: Probe::new(), told, then });
    queue.insert_job(Probe::job(Say::Error).with_max_attempts(2)).await.unwrap();
    let worker = queue.start().await;
    eventually("it is dead", async || database.count("dead_letters").await == 1).await;
    let unasked = [Say::Critical, Say::Unprocessable, Say::RescheduleNow];
    for say in unasked.into_iter().chain([Say::Cancel, Say::Success]) {
        let id = queue.insert_job(Probe::job(say)).await.unwrap().unwrap();
        queue.wait(id, STOP).await.unwrap();
    }
    worker.shutdown(STOP).await;

    let first = ("failed".to_owned(), 2, "the probe was told to fail".to_owned());
    assert_eq!(heard.recv().await, Some(first));
    for status in ["critical_failure", "unprocessable", "bad_job"] {
        assert_eq!(heard.recv().await.map(|(status, ..)| status).as_deref(), Some(status));
    }
    assert!(heard.try_recv().is_err(), "the others were asked for");
}

#[tokio::test]
async fn a_handler_hears_of_every_end_that_was_not_requested_and_of_its_status() {
    mourned(|| Ok(())).await;
}

#[tokio::test]
async fn a_handler_that_fails_when_it_is_told_changes_nothing_of_the_jobs_end() {
    mourned(|| Err("no".into())).await;
    mourned(|| panic!("no")).await;
}

/// Is called so often before it does its work.
#[job(queue = "orders")]
async fn put_off(calls: &AtomicUsize, times: usize) -> Result<(), JobError> {
    if calls.fetch_add(1, Ordering::Relaxed) < times {
        Err(JobError::snooze(Duration::ZERO))
    } else {
        Ok(())
    }
}

#[derive(JobState)]
struct Calls {
    calls: AtomicUsize,
}

#[tokio::test]
async fn a_handler_may_put_a_job_off_as_often_as_it_likes() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![PutOff], Calls { calls: AtomicUsize::new(0) }).unwrap();
    PutOff::new(150_usize).enqueue(&queue).await.unwrap();
    assert_eq!(queue.drain().await.runs.len(), 151);
    assert_eq!(database.count("archive where reprocess_count = 150 and attempt = 1").await, 1);
}

static ENDS: Mutex<Vec<JobStatus>> = Mutex::new(Vec::new());

async fn note_end(
    _job: Refused,
    context: &JobContext,
    _error: &str,
) -> Result<(), simple_queue::Error> {
    ENDS.lock().unwrap().push(context.status());
    // What follows is told by what became of it.
    let gave_up = context.status() == JobStatus::CriticalFailure;
    PutOff::new(usize::from(gave_up)).enqueue(context).await?;
    Ok(())
}

#[job(queue = "orders", retries = 0, on_exhausted = note_end)]
async fn refused(context: &JobContext, how: String) -> Result<(), BoxDynError> {
    assert_eq!(context.status(), JobStatus::Running);
    Err(match how.as_str() {
        "fails" => "no".into(),
        "gives up" => JobError::fail("no").into(),
        "refuses" => JobError::unprocessable("no").into(),
        _ => JobError::cancel("no").into(),
    })
}

#[tokio::test]
async fn the_function_for_exhausted_jobs_hears_what_the_job_becomes() {
    let database = TestDatabase::migrated().await;
    let queue = TestQueue::of(&database.queue().await).await;
    queue.register(jobs![Refused], ()).unwrap();
    for how in ["fails", "gives up", "refuses", "cancels"] {
        Refused::new(how).enqueue(&queue).await.unwrap();
        queue.drain().await;
    }
    let expected = [JobStatus::Failed, JobStatus::CriticalFailure, JobStatus::Unprocessable];
    assert_eq!(*ENDS.lock().unwrap(), expected);
    assert_eq!(database.count("jobs where kind = 'put_off'").await, 3);
}

const HUGE: usize = 30_000_000;

#[job(queue = "orders", retries = 0)]
async fn fails_at_length(panics: bool) -> Result<(), BoxDynError> {
    let text = "x".repeat(HUGE);
    assert!(!panics, "{text}");
    Err(text.into())
}

#[tokio::test]
async fn an_error_of_any_length_is_cut_before_it_is_stored_or_logged() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![FailsAtLength], ()).unwrap();
    let (log, logging) = Log::of_this_thread();
    let worker = queue.start().await;
    for panics in [false, true] {
        let id = FailsAtLength::new(panics).enqueue(&queue).await.unwrap().id();
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Failed);
    }
    worker.shutdown(STOP).await;
    drop(logging);
    let longest = "select max(length(errors::text)) from simple_queue.dead_letters";
    assert!(database.value::<i32>(longest).await < 10_000);
    let bytes = log.length();
    assert!(bytes > 8000, "the error was logged: {bytes}");
    assert!(bytes < 200_000, "{bytes} were logged");
}
