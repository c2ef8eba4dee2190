//! Calls that wait for another transaction, and calls that their callers have given up.

use std::time::{Duration, Instant};

use simple_queue::{Error, OnConflict, UniqueWhile, prelude::*};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

#[job(queue = "q", unique = "{key}")]
async fn keyed(key: String) {
    drop(key);
}

/// 11, the sessions of one queue: five of its pool, and six that calls may open beside it.
const MOST: i64 = 5 + 6;

/// The sessions of this database that wait for a lock.
async fn waiting(database: &TestDatabase) -> i64 {
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    database.value(waiting).await
}

/// Twenty callers at a time make such calls, and give each up after a moment. Returns the most sessions that waited
/// at the server meanwhile.
async fn most_that_wait_of_calls_that_are_given_up<F: Future<Output = Result<(), Error>>>(
    database: &TestDatabase,
    call: impl Fn() -> F,
) -> i64 {
    let (begun, mut most) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(3) {
        let calls = (0..20).map(|_| tokio::time::timeout(Duration::from_millis(200), call()));
        for answer in futures_util::future::join_all(calls).await.into_iter().flatten() {
            let refused = answer.expect_err("what it waits for does not end");
            assert!(refused.is_transient(), "{refused}");
        }
        most = std::cmp::max(most, waiting(database).await);
    }
    most
}

/// A transaction that holds the locks of a statement.
async fn holding(
    database: &TestDatabase,
    statement: &str,
) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut tx = database.pool.begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.unwrap();
    tx
}

#[tokio::test]
async fn enqueues_of_a_held_key_that_are_given_up_leave_no_sessions_behind() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let mut tx = database.pool.begin().await.unwrap();
    Keyed::new("k").enqueue(&mut tx).await.unwrap();
    let enqueue = async || Keyed::new("k").enqueue(&queue).await.map(drop);
    let most = most_that_wait_of_calls_that_are_given_up(&database, &enqueue).await;
    assert!((1..=MOST).contains(&most), "{most} sessions wait");
    // Other jobs are enqueued all the while, and this one when the transaction has ended.
    let other = tokio::time::timeout(STOP, queue.insert_job(Job::new("q", 1))).await;
    assert!(other.unwrap().unwrap().is_some());
    tx.rollback().await.unwrap();
    eventually("no session waits any more", async || waiting(&database).await == 0).await;
    tokio::time::timeout(STOP, enqueue()).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_waits_for_a_held_row_and_is_given_up_leaves_no_sessions_behind() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let live = Keyed::new("k").enqueue(&queue).await.unwrap().id();
    let dead = Probe::job(Say::Success);
    queue.insert_job(dead.clone()).await.unwrap();
    assert!(queue.cancel(dead.id).await.unwrap());
    let tx = holding(&database, "update simple_queue.jobs set priority = 1").await;
    let dead_tx = holding(&database, "update simple_queue.dead_letters set priority = 1").await;
    let conflicting = async |on_conflict| {
        let job = simple_queue::Enqueue::new(Keyed::new("k")).on_conflict(on_conflict);
        job.enqueue(&queue).await.map(drop)
    };
    for most in [
        most_that_wait_of_calls_that_are_given_up(&database, || conflicting(OnConflict::Replace))
            .await,
        most_that_wait_of_calls_that_are_given_up(&database, || {
            conflicting(OnConflict::Reschedule)
        })
        .await,
        most_that_wait_of_calls_that_are_given_up(&database, async || {
            queue.cancel(live).await.map(drop)
        })
        .await,
        most_that_wait_of_calls_that_are_given_up(&database, async || {
            queue.admin().as_actor("test").retry(dead.id).await.map(drop)
        })
        .await,
    ] {
        assert!((1..=MOST).contains(&most), "{most} sessions wait");
    }
    tx.rollback().await.unwrap();
    dead_tx.rollback().await.unwrap();
    eventually("no session waits any more", async || waiting(&database).await == 0).await;
}

#[tokio::test]
async fn enqueues_that_wait_for_the_table_and_are_given_up_leave_no_sessions_behind() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let tx = holding(&database, "lock simple_queue.jobs in exclusive mode").await;
    let jobs = || vec![Job::new("q", 1), Job::new("q", 2)];
    for most in [
        most_that_wait_of_calls_that_are_given_up(&database, async || {
            queue.insert_jobs(jobs()).await.map(drop).map_err(|error| *error.downcast().unwrap())
        })
        .await,
        most_that_wait_of_calls_that_are_given_up(&database, async || {
            Keyed::new("k").enqueue(queue.pool()).await.map(drop)
        })
        .await,
    ] {
        assert!((1..=MOST).contains(&most), "{most} sessions wait");
    }
    tx.rollback().await.unwrap();
    eventually("no session waits any more", async || waiting(&database).await == 0).await;
}

#[tokio::test]
async fn a_key_that_a_transaction_holds_for_too_long_is_named() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(400));
    let mut tx = database.pool.begin().await.unwrap();
    Keyed::new("key 17").enqueue(&mut tx).await.unwrap();
    let named = |error: Error| match error {
        Error::KeyHeld { unique_key, .. } => unique_key,
        other => panic!("{other}"),
    };
    let begun = Instant::now();
    let refused = Keyed::new("key 17").enqueue(&queue).await.unwrap_err();
    assert!(refused.is_transient());
    assert_eq!(named(refused), "keyed:key 17");
    assert!(begun.elapsed() < Duration::from_secs(3), "it was sent again: {:?}", begun.elapsed());

    let all = || (0..50).map(|n| Keyed::new(format!("key {n}")));
    let refused = Keyed::enqueue_all(all(), &queue).await.unwrap_err();
    assert!(
        refused.to_string().contains("`keyed:key 17` is held by an open transaction"),
        "{refused}"
    );
    assert_eq!(named(refused), "keyed:key 17");
    assert_eq!(database.count("jobs").await, 0);

    tx.commit().await.unwrap();
    let enqueued = Keyed::enqueue_all(all(), &queue).await.unwrap();
    assert_eq!(enqueued.iter().filter(|job| job.is_new()).count(), 49);
    // A locked row holds its key as an open transaction does.
    let tx = holding(
        &database,
        "update simple_queue.jobs set priority = 1 where unique_key = 'keyed:key 3'",
    )
    .await;
    let replacing =
        all().map(|job| simple_queue::Enqueue::new(job).on_conflict(OnConflict::Replace));
    let refused = Keyed::enqueue_all(replacing, &queue).await.unwrap_err();
    assert_eq!(named(refused), "keyed:key 3");
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn so_is_a_key_that_is_to_be_kept_or_taken_over() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_secs(2));
    let jobs = database.job().set("unique_key", "'keyed:key ' || n");
    jobs.running_nowhere().insert_many(5).await;
    let all = || {
        (0..50).map(|n| {
            let job = Keyed::new(format!("key {n}")).unique_for(Duration::from_hours(1));
            job.unique_while(UniqueWhile::Pending)
        })
    };
    let refused = async |expected: &str| {
        let refused = Keyed::enqueue_all(all(), &queue).await.unwrap_err();
        assert!(
            matches!(&refused, Error::KeyHeld { unique_key, .. } if unique_key == expected),
            "{refused}"
        );
    };
    let mut tx = database.pool.begin().await.unwrap();
    Keyed::new("key 17").enqueue(&mut tx).await.unwrap();
    refused("keyed:key 17").await;
    tx.rollback().await.unwrap();
    // As a handler that ends its job in a transaction of its own.
    let end = "update simple_queue.jobs set lease = lease + 1 where unique_key = 'keyed:key 3'";
    let tx = holding(&database, end).await;
    refused("keyed:key 3").await;
    tx.rollback().await.unwrap();
    assert_eq!(database.count("kept_keys").await, 0);
    let enqueued = Keyed::enqueue_all(all(), &queue).await.unwrap();
    assert!(enqueued.iter().all(simple_queue::Enqueued::is_new));
}

#[tokio::test]
async fn many_jobs_with_keys_have_the_time_of_all_their_statements() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(400));
    // Each of the statements takes half of what one may.
    for sql in [
        "create function be_slow() returns trigger language plpgsql as $$
            begin perform pg_sleep(0.2); return null; end $$",
        "create trigger slow after insert on simple_queue.jobs execute function public.be_slow()",
    ] {
        database.execute(sql).await;
    }
    let jobs = (0..20_000).map(|n| Keyed::new(n.to_string()));
    let enqueued = Keyed::enqueue_all(jobs, &queue).await.unwrap();
    assert_eq!(enqueued.len(), 20_000);
}
