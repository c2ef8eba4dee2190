//! Single enqueues through a queue, one at a time and several at once.

use std::time::Duration;

use simple_queue::prelude::*;

use crate::support::{STOP, TestDatabase, eventually};

/// Greets a new user.
#[job(queue = "emails")]
async fn send_welcome(user_id: i64, template: String) {
    drop((user_id, template));
}

/// A transaction that blocks every insert until it ends.
async fn lock(database: &TestDatabase) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut lock = database.pool.begin().await.unwrap();
    sqlx::query("lock simple_queue.jobs in exclusive mode").execute(&mut *lock).await.unwrap();
    lock
}

async fn inserts_that_wait(database: &TestDatabase) -> i64 {
    let waiting = "select count(*) from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and query like '-- insert%'";
    database.value(waiting).await
}

/// Polls a call until its insert is at the server, and waits there.
async fn until_its_insert_waits(
    database: &TestDatabase,
    mut call: std::pin::Pin<&mut impl Future<Output: std::fmt::Debug>>,
) {
    let before = inserts_that_wait(database).await;
    loop {
        let polled = tokio::time::timeout(Duration::from_millis(5), &mut call).await;
        assert!(polled.is_err(), "{polled:?}");
        if inserts_that_wait(database).await > before {
            return;
        }
    }
}

#[tokio::test]
async fn a_call_that_is_not_polled_any_more_holds_up_no_other() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let lock = lock(&database).await;
    let mut first = Box::pin(SendWelcome::new(1, "not polled").enqueue(&queue));
    until_its_insert_waits(&database, first.as_mut()).await;
    lock.commit().await.unwrap();
    for n in 2..5 {
        let next = SendWelcome::new(n, "hi").enqueue(&queue);
        tokio::time::timeout(STOP, next).await.unwrap().unwrap();
    }
    assert!(first.await.unwrap().is_new());
    assert_eq!(database.count("jobs").await, 4);
}

#[tokio::test]
async fn a_call_that_is_dropped_while_its_insert_waits_leaves_the_next_its_own_answer() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    SendWelcome::new(0, "hi").enqueue(&queue).await.unwrap();
    let lock = lock(&database).await;
    let mut first = Box::pin(SendWelcome::new(1, "dropped").enqueue(&queue));
    until_its_insert_waits(&database, first.as_mut()).await;
    drop(first);
    let mut next = Box::pin(SendWelcome::new(2, "hi").enqueue(&queue));
    until_its_insert_waits(&database, next.as_mut()).await;
    lock.commit().await.unwrap();
    let id = tokio::time::timeout(STOP, next).await.unwrap().unwrap().id();
    assert_eq!(
        database.count(&format!("jobs where id = '{id}' and job_data->>'user_id' = '2'")).await,
        1
    );
}

#[tokio::test]
async fn enqueues_do_not_wait_for_a_pool_that_is_used_up() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let mut held = Vec::new();
    for _ in 0..queue.pool().options().get_max_connections() {
        held.push(queue.pool().acquire().await.unwrap());
    }
    let calls = (0..10).map(|n| SendWelcome::new(n, "hi").enqueue(&queue));
    let calls = futures_util::future::try_join_all(calls);
    tokio::time::timeout(STOP, calls).await.unwrap().unwrap();
    assert_eq!(database.count("jobs").await, 10);
}

#[tokio::test]
async fn where_the_server_gives_no_more_connections_enqueues_use_the_pool() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    drop(queue.pool().acquire().await.unwrap());
    let closed = "update pg_database set datallowconn = false where datname = current_database()";
    database.execute(closed).await;
    SendWelcome::new(1, "hi").enqueue(&queue).await.unwrap();
    assert_eq!(database.count("jobs").await, 1);
}

#[tokio::test]
async fn a_queue_whose_pool_is_closed_enqueues_nothing() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    SendWelcome::new(1, "hi").enqueue(&queue).await.unwrap();
    queue.pool().close().await;
    SendWelcome::new(2, "hi").enqueue(&queue).await.unwrap_err();
    assert_eq!(database.count("jobs").await, 1);
}

#[tokio::test]
async fn a_connection_that_was_cut_costs_no_enqueue_its_job() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for n in 0..3 {
        SendWelcome::new(n, "hi").enqueue(&queue).await.unwrap();
        let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and query like '-- insert%'";
        eventually("the connection is cut", async || database.value::<i64>(cut).await == 0).await;
    }
    assert_eq!(database.count("jobs").await, 3);
}

#[tokio::test]
async fn calls_at_the_same_time_share_statements_and_each_gets_its_own_id() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let calls = (0..500).map(|n| SendWelcome::new(n, "hi").enqueue(&queue));
    let enqueued = futures_util::future::try_join_all(calls).await.unwrap();
    let ids: std::collections::HashSet<_> =
        enqueued.iter().map(simple_queue::Enqueued::id).collect();
    assert_eq!((ids.len(), database.count("jobs").await), (500, 500));
    for (n, job) in enqueued.iter().enumerate() {
        let own = format!("jobs where id = '{}' and job_data->>'user_id' = '{n}'", job.id());
        assert_eq!(database.count(&own).await, 1);
    }
    // Rows of one transaction share its time.
    let commits: i64 =
        database.value("select count(distinct created_at) from simple_queue.jobs").await;
    assert!(commits < 50, "{commits} commits for 500 calls");
}

#[tokio::test]
async fn a_refused_job_fails_alone_among_those_that_share_its_statement() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    database
        .execute("alter table simple_queue.jobs add check (job_data->>'template' <> 'forbidden')")
        .await;
    let calls = (0..50).map(|n| {
        let text = if n == 25 { "forbidden" } else { "hi" };
        SendWelcome::new(n, text).enqueue(&queue)
    });
    let results = futures_util::future::join_all(calls).await;
    let refused: Vec<usize> = (0..results.len()).filter(|&n| results[n].is_err()).collect();
    assert_eq!(refused, [25]);
    let error = results[25].as_ref().unwrap_err().to_string();
    assert!(error.contains("violates check constraint"), "{error}");
    assert_eq!(database.count("jobs").await, 49);
}

#[tokio::test]
async fn a_dropped_call_holds_up_no_call_that_would_have_shared_its_statement() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let lock = lock(&database).await;
    let mut first = Box::pin(SendWelcome::new(1, "dropped").enqueue(&queue));
    assert!(futures_util::poll!(&mut first).is_pending());
    drop(first);
    let others = (2..10).map(|n| SendWelcome::new(n, "hi").enqueue(&queue));
    let mut others = Box::pin(futures_util::future::try_join_all(others));
    assert!(futures_util::poll!(&mut others).is_pending());
    lock.commit().await.unwrap();
    tokio::time::timeout(STOP, others).await.unwrap().unwrap();
    assert_eq!(database.count("jobs where job_data->>'user_id' <> '1'").await, 8);
}

#[tokio::test]
async fn two_calls_with_one_id_at_the_same_time_store_it_once_and_one_learns_it() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for _ in 0..20 {
        let job = Job::new("q", 1);
        let calls = (0..5).map(|_| queue.insert_job(job.clone()));
        let stored = futures_util::future::try_join_all(calls).await.unwrap();
        assert_eq!(stored.iter().flatten().count(), 1, "{stored:?}");
    }
    assert_eq!(database.count("jobs").await, 20);
}

#[test]
fn a_runtime_that_ends_before_it_wrote_leaves_the_queue_usable_on_another() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (second, database) = (runtime(), TestDatabase::migrated());
    let database = second.block_on(database);
    let queue = second.block_on(database.queue());
    let first = runtime();
    first.block_on(async {
        // One job is written by the task of its call, the other by a task of the library.
        let mut dropped = [1, 2].map(|n| Box::pin(queue.insert_job(Job::new("q", n))));
        for call in &mut dropped {
            assert!(futures_util::poll!(call).is_pending());
        }
    });
    drop(first);
    let stored = async { tokio::time::timeout(STOP, queue.insert_job(Job::new("q", 3))).await };
    assert!(second.block_on(stored).unwrap().unwrap().is_some());
}
