//! Unique keys that stay taken for a time, whatever becomes of their jobs.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use simple_queue::{
    Acted, EnqueueOutcome, Error, OnConflict, Retention, SimpleQueue, Why, prelude::*,
    testing::TestQueue,
};
use sqlx::{Connection, PgConnection};

use crate::support::{STOP, TestDatabase, eventually};

#[job(queue = "q", retries = 0, unique(key = "{key}", for = "24h"))]
async fn daily(key: String, fails: bool) -> Result<(), BoxDynError> {
    let _ = key;
    if fails { Err("it is told to fail".into()) } else { Ok(()) }
}

/// The same key under another declaration.
#[job(name = "daily", payload = Undated, queue = "q", unique = "{key}")]
async fn undated(key: String, fails: bool) {
    let _ = (key, fails);
}

#[job(queue = "q")]
async fn keyless() {}

const DAY: Duration = Duration::from_hours(24);

/// Whether the session's transaction, or one statement on it, is held up by another.
async fn is_waiting(database: &TestDatabase) -> bool {
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    database.value::<i64>(waiting).await > 0
}

/// As if the time were over for which keys are kept.
async fn let_time_pass(database: &TestDatabase) {
    database.execute("update simple_queue.kept_keys set kept_until = now()").await;
}

async fn enqueue(queue: &SimpleQueue, fails: bool) -> (uuid::Uuid, EnqueueOutcome) {
    let job = Daily::new("k", fails).enqueue(queue).await.unwrap();
    (job.id(), job.outcome())
}

#[tokio::test]
async fn a_key_stays_taken_for_its_time_however_its_job_has_ended() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let ends: [&str; 4] = ["completed", "failed", "cancelled", "deleted"];
    for end in ends {
        let (first, outcome) = enqueue(&queue, end == "failed").await;
        assert_eq!(outcome, EnqueueOutcome::Inserted, "{end}");
        let until = "kept_keys where kept_until = now() + interval '24 h'";
        assert_eq!(database.count(until).await, 0, "the time begins at the enqueue");
        let until = "kept_keys k join simple_queue.jobs j
            on j.id = k.job_id and k.kept_until = j.created_at + interval '24 h'";
        assert_eq!(database.count(until).await, 1);
        match end {
            "cancelled" => assert!(Daily::cancel("k", &queue).await.unwrap()),
            "deleted" => assert_eq!(database.execute("delete from simple_queue.jobs").await, 1),
            _ => {
                let working = TestQueue::of(&database.queue().await).await;
                working.register(jobs![Daily], ()).unwrap();
                let drained = working.drain().await;
                let status = drained.runs[0].outcome.status().unwrap();
                assert_eq!(status.as_str(), end);
            }
        }
        assert_eq!(database.count("jobs").await, 0);
        assert_eq!(enqueue(&queue, false).await, (first, EnqueueOutcome::Duplicate), "{end}");
        let_time_pass(&database).await;
    }
}

#[tokio::test]
async fn a_live_job_holds_its_key_for_longer_than_the_time() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let (first, _) = enqueue(&queue, false).await;
    let_time_pass(&database).await;
    assert_eq!(enqueue(&queue, false).await, (first, EnqueueOutcome::Duplicate));
    assert!(Daily::cancel("k", &queue).await.unwrap());
    let (second, outcome) = enqueue(&queue, false).await;
    assert_eq!(outcome, EnqueueOutcome::Inserted);
    let kept = Daily::find_kept_key("k", &queue).await.unwrap().unwrap();
    assert_eq!(kept.job_id, second, "the time begins anew");
}

#[tokio::test]
async fn a_kept_key_is_met_as_on_conflict_says_while_its_job_waits_and_ignored_afterwards() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let (first, _) = enqueue(&queue, false).await;
    let again = async |on_conflict| {
        let job = Daily::new("k", true).on_conflict(on_conflict).delay(DAY).enqueue(&queue).await;
        job.map(|job| (job.id(), job.outcome()))
    };
    let refused = again(OnConflict::Error).await.unwrap_err();
    assert!(matches!(refused, Error::Duplicate { job_id, .. } if job_id == first), "{refused}");
    let replaced = again(OnConflict::Replace).await.unwrap();
    assert_eq!(replaced, (first, EnqueueOutcome::Replaced));
    assert_eq!(database.count("jobs where job_data->>'fails' = 'true'").await, 1);
    let rescheduled = again(OnConflict::Reschedule).await.unwrap();
    assert_eq!(rescheduled, (first, EnqueueOutcome::Rescheduled));
    assert!(Daily::cancel("k", &queue).await.unwrap());
    for on_conflict in [OnConflict::Ignore, OnConflict::Replace, OnConflict::Reschedule] {
        assert_eq!(again(on_conflict).await.unwrap(), (first, EnqueueOutcome::Duplicate));
    }
    let refused = again(OnConflict::Error).await.unwrap_err();
    let Error::Duplicate { unique_key, job_id, .. } = &refused else { panic!("{refused}") };
    assert_eq!((unique_key.as_str(), *job_id), ("daily:k", first));
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn only_jobs_that_declare_a_time_look_at_kept_keys() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    enqueue(&queue, false).await;
    assert!(Daily::cancel("k", &queue).await.unwrap());
    let undated = Undated::new("k", false).enqueue(&queue).await.unwrap();
    assert!(undated.is_new());
    // It is live, so it is the one to name.
    assert_eq!(enqueue(&queue, false).await, (undated.id(), EnqueueOutcome::Duplicate));
    let replaced = Daily::new("k", true).on_conflict(OnConflict::Replace).enqueue(&queue).await;
    assert_eq!(replaced.unwrap().outcome(), EnqueueOutcome::Replaced);
    assert_eq!(database.count("kept_keys").await, 1);
}

#[tokio::test]
async fn a_duplicate_of_a_job_without_a_time_keeps_no_key() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let undated = Undated::new("k", false).enqueue(&queue).await.unwrap();
    assert_eq!(enqueue(&queue, false).await, (undated.id(), EnqueueOutcome::Duplicate));
    assert_eq!(database.count("kept_keys").await, 0);
    assert!(Undated::cancel("k", &queue).await.unwrap());
    assert_eq!(enqueue(&queue, false).await.1, EnqueueOutcome::Inserted);
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_keeps_no_key_and_one_that_commits_does() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for commits in [false, true] {
        let mut tx = database.pool.begin().await.unwrap();
        let first = Daily::new("k", false).enqueue(&mut tx).await.unwrap();
        let second = tokio::spawn({
            let queue = queue.clone();
            async move { enqueue(&queue, false).await }
        });
        eventually("the second waits", async || is_waiting(&database).await).await;
        if commits {
            tx.commit().await.unwrap();
            assert_eq!(second.await.unwrap(), (first.id(), EnqueueOutcome::Duplicate));
        } else {
            tx.rollback().await.unwrap();
            assert_eq!(second.await.unwrap().1, EnqueueOutcome::Inserted);
            database.execute("delete from simple_queue.jobs").await;
            assert!(Daily::release_key("k", &queue).await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_job_that_took_and_kept_the_key_and_ended_while_another_call_waited_is_the_holder() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let mut tx = database.pool.begin().await.unwrap();
    let first = Daily::new("k", false).enqueue(&mut tx).await.unwrap();
    let second = tokio::spawn({
        let queue = queue.clone();
        async move { enqueue(&queue, false).await }
    });
    eventually("the second waits", async || is_waiting(&database).await).await;
    // In the same transaction, so the second finds the key free in `jobs`, but kept.
    sqlx::query("delete from simple_queue.jobs").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), (first.id(), EnqueueOutcome::Duplicate));
    assert_eq!(database.count("jobs").await, 0, "the second left nothing behind");
    assert_eq!(database.count("kept_keys").await, 1);
}

#[tokio::test]
async fn a_bare_connection_keeps_key_and_job_together() {
    let database = TestDatabase::migrated().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let first = Daily::new("k", false).enqueue(&mut connection).await.unwrap();
    assert!(first.is_new());
    let kept = "kept_keys k join simple_queue.jobs j on j.id = k.job_id";
    assert_eq!(database.count(kept).await, 1);
    let second = Daily::new("k", false).enqueue(&mut connection).await.unwrap();
    assert_eq!((second.id(), second.is_new()), (first.id(), false));
    connection.close().await.unwrap();
}

#[tokio::test]
async fn of_many_enqueues_of_one_key_at_once_one_is_stored_and_all_learn_its_id() {
    let database = TestDatabase::migrated().await;
    let queues = join_all((0..4).map(|_| database.queue())).await;
    let enqueued = join_all((0..100).map(|n| enqueue(&queues[n % 4], false))).await;
    let new = enqueued.iter().filter(|(_, outcome)| *outcome == EnqueueOutcome::Inserted);
    assert_eq!(new.count(), 1);
    assert_eq!(enqueued.iter().map(|(id, _)| id).collect::<HashSet<_>>().len(), 1);
    assert_eq!((database.count("jobs").await, database.count("kept_keys").await), (1, 1));
}

#[tokio::test]
async fn two_batches_of_kept_keys_in_opposite_order_never_deadlock() {
    let database = TestDatabase::migrated().await;
    for round in 0..5 {
        let keys: Vec<String> = (0..200).map(|n| format!("{round}:{n}")).collect();
        let batch = |keys: Vec<String>| async {
            let jobs = keys.into_iter().map(|key| Daily::new(key, false));
            Daily::enqueue_all(jobs, &database.pool).await.unwrap()
        };
        let reversed = keys.iter().rev().cloned().collect();
        let twice = [keys.clone(), keys].concat();
        let (there, back) = tokio::join!(batch(twice), batch(reversed));
        assert_eq!(there.iter().chain(&back).filter(|job| job.is_new()).count(), 200);
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(database.value::<i64>(deadlocks).await, 0);
}

#[tokio::test]
async fn a_call_that_is_repeated_finds_its_job_by_the_kept_key_when_nothing_else_remembers_it() {
    let database = TestDatabase::migrated().await;
    let id = "01a202c7-f117-7578-92ff-7b69cae0e360";
    let call = format!(
        "select outcome || ' ' || id from simple_queue.enqueue_many('[{{
            \"id\": \"{id}\", \"queue\": \"q\", \"job_data\": 1, \"unique_key\": \"k\", \"unique_for\": \"1 h\"
        }}]', true)"
    );
    for _ in 0..2 {
        assert_eq!(database.value::<String>(&call).await, format!("inserted {id}"));
        // It completes without a history.
        database.execute("delete from simple_queue.jobs").await;
    }
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn a_released_key_is_free_unless_a_job_is_live() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    assert_eq!(Daily::find_kept_key("k", &queue).await.unwrap(), None);
    assert!(!Daily::release_key("k", &queue).await.unwrap());
    let (first, _) = enqueue(&queue, false).await;
    let kept = Daily::find_kept_key("k", &queue).await.unwrap().unwrap();
    assert_eq!(kept.job_id, first);
    assert_eq!(queue.find_kept_key("daily:k").await.unwrap(), Some(kept));
    assert!(Daily::release_key("k", &database.pool).await.unwrap());
    assert!(!Daily::release_key("k", &queue).await.unwrap(), "it is free");
    assert_eq!(enqueue(&queue, false).await, (first, EnqueueOutcome::Duplicate), "it waits");

    assert!(Daily::cancel("k", &queue).await.unwrap());
    let (second, outcome) = enqueue(&queue, false).await;
    assert_eq!(outcome, EnqueueOutcome::Inserted);
    assert!(Daily::cancel("k", &queue).await.unwrap());
    assert_eq!(enqueue(&queue, false).await, (second, EnqueueOutcome::Duplicate));
    assert!(queue.release_key("daily:k").await.unwrap());
    assert_eq!(enqueue(&queue, false).await.1, EnqueueOutcome::Inserted);
    database.execute("update simple_queue.kept_keys set kept_until = 'infinity'").await;
    assert!(Daily::find_kept_key("k", &queue).await.unwrap().is_some(), "as an operator may write");
    let_time_pass(&database).await;
    assert_eq!(Daily::find_kept_key("k", &queue).await.unwrap(), None, "its time is over");
    assert!(!Daily::release_key("k", &queue).await.unwrap());
}

#[tokio::test]
async fn a_dead_letter_that_keeps_its_own_key_is_retried_and_one_whose_key_another_keeps_is_not() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let (first, _) = enqueue(&queue, false).await;
    assert!(queue.cancel(first).await.unwrap());
    assert_eq!(queue.admin().as_actor("test").retry(first).await.unwrap(), Acted::Done);
    assert_eq!(queue.status(first).await.unwrap(), simple_queue::JobStatus::Pending);

    assert!(queue.cancel(first).await.unwrap());
    let_time_pass(&database).await;
    let (second, _) = enqueue(&queue, false).await;
    assert!(queue.cancel(second).await.unwrap());
    let left = queue.admin().as_actor("test").retry(first).await.unwrap();
    assert_eq!(left, Acted::Left(Why::KeyTaken(second)));
    assert!(Daily::release_key("k", &queue).await.unwrap());
    assert_eq!(queue.admin().as_actor("test").retry(first).await.unwrap(), Acted::Done);
}

#[tokio::test]
async fn the_janitor_deletes_the_keys_whose_time_is_over_in_batches() {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "insert into simple_queue.kept_keys (unique_key, job_id, kept_until)
             select 'k' || n, gen_random_uuid(), now() + (n - 2500.5) * interval '1 h'
             from generate_series(1, 2600) n",
        )
        .await;
    let queue = database.queue().await.with_retention(Retention::new().archive(DAY));
    let worker = queue.start().await;
    eventually("only keys that are kept are left", async || {
        database.count("kept_keys").await == 100
    })
    .await;
    assert_eq!(database.count("kept_keys where kept_until > now()").await, 100);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_time_that_makes_no_sense_is_refused_before_anything_is_written() {
    let database = TestDatabase::migrated().await;
    let problem = async |job: simple_queue::Enqueue<Keyless>| {
        let refused = job.enqueue(&database.pool).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidOption { option: "unique_for", .. }), "{refused}");
        refused.to_string()
    };
    assert!(problem(Keyless::new().unique_for(DAY)).await.contains("has no unique key"));
    let keyed = || Keyless::new().unique_key("k");
    assert!(problem(keyed().unique_for(Duration::ZERO)).await.contains("for some time"));
    let long = problem(keyed().unique_for(DAY * 3651)).await;
    assert!(long.contains("the limit is 3650 days"), "{long}");
    assert!(keyed().unique_for(DAY * 3650).enqueue(&database.pool).await.unwrap().is_new());
}
