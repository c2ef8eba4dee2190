//! Stage 1, where a live job has the key already: the new job is ignored, replaces it, puts it off, or is refused.

use std::time::Duration;

use chrono::{DateTime, Utc};
use simple_queue::{EnqueueOutcome, Error, OnConflict, prelude::*};

use crate::support::{Probe, STOP, Say, TestDatabase, Working, working};

#[job(queue = "q", unique = "{key}", retries = 2)]
async fn keyed(key: String, text: String) {
    let _ = (key, text);
}

#[job(queue = "q", unique(key = "{key}", on_conflict = "error"))]
async fn strict(key: String) {
    let _ = key;
}

#[job(queue = "q", unique(key = "{id}", on_conflict = "replace"))]
async fn latest(id: i64, text: String) {
    let _ = (id, text);
}

fn job(text: &str, on_conflict: OnConflict) -> simple_queue::Enqueue<Keyed> {
    simple_queue::Enqueue::new(Keyed::new("k", text)).on_conflict(on_conflict)
}

#[tokio::test]
async fn a_waiting_job_is_replaced_by_payload_and_options_and_keeps_its_id() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let first = job("one", OnConflict::Replace).enqueue(&queue).await.unwrap();
    assert_eq!(first.outcome(), EnqueueOutcome::Inserted);
    database.change(first.id()).attempt(2).reprocess_count(3).set("errors", "'[]'").write().await;

    let second = job("two", OnConflict::Replace)
        .priority(-5)
        .retries(7)
        .delay(Duration::from_hours(1))
        .tags(["b"])
        .enqueue(&queue)
        .await
        .unwrap();
    assert_eq!((second.id(), second.outcome()), (first.id(), EnqueueOutcome::Replaced));

    let row: (String, i16, i32, i32, bool, Vec<String>) = sqlx::query_as(
        "select job_data->>'text', priority, max_attempts, attempt, run_at > now() + interval '59 min', tags
        from simple_queue.jobs",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    assert_eq!(row, ("two".into(), -5, 8, 0, true, vec!["b".to_owned()]));
}

#[tokio::test]
async fn a_running_job_is_left_as_it_is_whatever_the_new_one_asks_for() {
    let Working { database, queue, probe, worker } = working().await;
    let live = Probe::job(Say::WaitForGate).with_unique_key("keyed:k");
    queue.insert_job(live.clone()).await.unwrap();
    probe.next_run().await;

    for policy in [OnConflict::Ignore, OnConflict::Replace, OnConflict::Reschedule] {
        let enqueued = job("new", policy).enqueue(&queue).await.unwrap();
        assert_eq!((enqueued.id(), enqueued.outcome()), (live.id, EnqueueOutcome::Duplicate));
    }
    let refused = job("new", OnConflict::Error).enqueue(&queue).await.unwrap_err();
    assert!(matches!(refused, Error::Duplicate { job_id, .. } if job_id == live.id), "{refused}");
    assert_eq!(database.count("jobs where job_data = '\"WaitForGate\"'").await, 1);
    probe.open_gate(1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_burst_is_put_off_until_it_is_over_and_stays_one_job() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let due = async || -> DateTime<Utc> {
        sqlx::query_scalar("select run_at from simple_queue.jobs")
            .fetch_one(&database.pool)
            .await
            .unwrap()
    };
    let burst = |seconds| {
        job("text", OnConflict::Reschedule).delay(Duration::from_secs(seconds)).enqueue(&queue)
    };
    let first = burst(60).await.unwrap();
    assert!(first.is_new());
    let at_first = due().await;

    let second = burst(90).await.unwrap();
    assert_eq!((second.id(), second.outcome()), (first.id(), EnqueueOutcome::Rescheduled));
    let put_off = due().await;
    assert!(put_off - at_first >= chrono::TimeDelta::seconds(29), "{at_first} to {put_off}");

    let sooner = burst(1).await.unwrap();
    assert_eq!(sooner.outcome(), EnqueueOutcome::Rescheduled);
    assert_eq!(due().await, put_off, "it is never brought forward");
    assert_eq!(database.count("jobs").await, 1);
}

#[tokio::test]
async fn a_job_that_must_not_be_a_duplicate_is_refused_and_its_batch_with_it() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let live = job("one", OnConflict::Error).enqueue(&queue).await.unwrap();

    let refused = job("two", OnConflict::Error).enqueue(&queue).await.unwrap_err();
    let Error::Duplicate { unique_key, job_id, .. } = &refused else { panic!("{refused}") };
    assert_eq!((unique_key.as_str(), *job_id), ("keyed:k", live.id()));

    Strict::new("k").enqueue(&queue).await.unwrap();
    let refused = Strict::enqueue_all(["a", "b", "k"].map(Strict::new), &queue).await.unwrap_err();
    assert!(matches!(refused, Error::Duplicate { .. }), "{refused}");
    assert_eq!(database.count("jobs").await, 2, "the batch left nothing behind");
}

#[tokio::test]
async fn of_several_new_jobs_with_one_key_the_last_stays() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let enqueued = Latest::enqueue_all(["a", "b", "c"].map(|text| Latest::new(1, text)), &queue)
        .await
        .unwrap();
    let outcomes: Vec<EnqueueOutcome> =
        enqueued.iter().map(simple_queue::Enqueued::outcome).collect();
    let replaced = EnqueueOutcome::Replaced;
    assert_eq!(outcomes, [EnqueueOutcome::Inserted, replaced, replaced]);
    assert!(enqueued.iter().all(|job| job.id() == enqueued[0].id()));
    assert_eq!(database.count("jobs where job_data->>'text' = 'c'").await, 1);
}

#[tokio::test]
async fn a_hundred_calls_that_replace_one_another_at_once_leave_one_job_and_no_error() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let calls = (0..100).map(|n| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let jobs = if n % 2 == 0 { [1, 2] } else { [2, 1] };
            Latest::enqueue_all(jobs.map(|id| Latest::new(id, n.to_string())), &queue).await
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let enqueued = call.await.unwrap().unwrap();
        let taken_over = enqueued.iter().all(|job| job.outcome() != EnqueueOutcome::Duplicate);
        assert!(
            taken_over,
            "nothing runs, so nothing keeps a job from being replaced: {enqueued:?}"
        );
    }
    assert_eq!(database.count("jobs").await, 2);
}
