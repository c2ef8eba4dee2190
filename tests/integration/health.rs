//! The health of a queue and its workers.

use std::time::Duration;

use simple_queue::Unhealthy;
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::support::{Log, Probe, STOP, TestDatabase, Working, eventually, working};

#[tokio::test]
async fn a_queue_without_handlers_is_ready_when_its_tables_are_there() {
    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    let health = queue.health().await;
    assert!(health.is_alive && !health.is_ready, "{health}");
    assert!(matches!(health.reasons[..], [Unhealthy::NotMigrated { .. }]), "{health}");
    assert!(health.to_string().contains("run `SimpleQueue::migrate`"), "{health}");
    queue.migrate().await.unwrap();
    let health = queue.health().await;
    assert!(health.is_ready && health.reasons.is_empty(), "{health}");
    assert_eq!(health.to_string(), "ready");
}

#[tokio::test]
async fn a_queue_with_handlers_is_ready_while_a_worker_runs_them() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    let health = queue.health().await;
    assert!(!health.is_ready, "{health}");
    assert!(health.to_string().contains("handlers of [\"probe\"] are registered"), "{health}");
    assert!(health.to_string().contains("call `SimpleQueue::start`"), "{health}");

    let worker = queue.start().await;
    assert!(queue.health().await.is_ready);
    worker.shutdown(STOP).await;
    let health = queue.health().await;
    assert!(health.is_alive && health.reasons == [Unhealthy::Stopped], "{health}");
    assert!(queue.is_alive());
}

#[tokio::test]
async fn a_worker_without_tables_is_not_ready_until_they_are_there() {
    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    let starting = queue.start();
    let tells = async || {
        let reasons = queue.health().await.reasons;
        reasons.iter().any(|it| matches!(it, Unhealthy::NotMigrated { .. }))
            && reasons.iter().any(|it| matches!(it, Unhealthy::Starting { .. }))
    };
    eventually("it says that the tables are missing", tells).await;
    database.owner().await.migrate().await.unwrap();
    let worker = starting.await;
    assert!(queue.health().await.is_ready);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn the_health_of_a_worker_sends_no_statement() {
    let Working { queue, worker, .. } = working().await;
    queue.pool().close().await;
    let health = queue.health().await;
    assert!(health.is_ready, "{health}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_worker_that_has_lost_the_database_says_for_how_long_and_is_still_alive() {
    let Working { database, queue, worker, .. } = working().await;
    let name: String = database.value("select current_database()::text").await;
    let forbid = |allowed| format!("alter database {name} allow_connections {allowed}");
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
    let elsewhere = database.pool.connect_options().as_ref().clone().database("postgres");
    let mut elsewhere = elsewhere.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(forbid("false"))).execute(&mut elsewhere).await.unwrap();
    sqlx::query(end).bind(&name).execute(&mut elsewhere).await.unwrap();
    let lost = async || {
        let health = queue.health().await;
        assert!(health.is_alive && queue.is_alive(), "{health}");
        health.reasons.iter().any(|it| matches!(it, Unhealthy::HeartbeatSilent { .. }))
    };
    eventually("the heartbeat is silent", lost).await;
    // The first error may be a timeout.
    let words = "not currently accepting connections";
    let tells = async || queue.health().await.to_string().contains(words);
    eventually("it tells the server's words", tells).await;
    sqlx::raw_sql(AssertSqlSafe(forbid("true"))).execute(&mut elsewhere).await.unwrap();
    eventually("it is back", async || queue.health().await.is_ready).await;
    worker.shutdown(STOP).await;
}

#[test]
fn a_start_that_is_forgotten_outside_of_a_runtime_is_logged() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let queue = runtime.block_on(async { TestDatabase::migrated().await.queue().await });
    let (log, listening) = Log::of_this_thread();
    drop(queue.start());
    drop(listening);
    assert_eq!(log.count("so the worker has not started"), 1);
}

#[tokio::test]
async fn a_worker_that_has_just_been_started_is_starting_also_where_another_one_has_stopped() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    for _ in 0..2 {
        // Its task has not begun.
        let starting = queue.start();
        let health = queue.health().await;
        assert!(matches!(health.reasons[..], [Unhealthy::Starting { .. }]), "{health}");
        let worker = starting.await;
        assert!(queue.health().await.is_ready);
        worker.shutdown(STOP).await;
        assert_eq!(queue.health().await.reasons, [Unhealthy::Stopped]);
    }
}

#[tokio::test]
async fn a_worker_that_was_registered_late_was_not_silent_before() {
    let database = TestDatabase::empty().await;
    let queue = database.queue().await.with_heartbeat_interval(Duration::from_secs(1));
    queue.register_handler(Probe::new());
    let starting = queue.start();
    let long = async || {
        let long = |it: &Unhealthy| matches!(it, Unhealthy::Starting { elapsed, .. } if elapsed.as_secs() >= 4);
        queue.health().await.reasons.iter().any(long)
    };
    eventually("it waits for longer than a heartbeat may be silent", long).await;
    database.owner().await.migrate().await.unwrap();
    let worker = starting.await;
    let health = queue.health().await;
    assert!(health.is_ready, "{health}");
    worker.shutdown(STOP).await;
}
