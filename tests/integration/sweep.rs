//! However many dead entries an old snapshot keeps in the index, new jobs start at once, and overtaken jobs start too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use simple_queue::prelude::*;
use sqlx::{Connection, PgConnection};
use tokio::sync::Notify;

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

/// A session with a snapshot of the present, which keeps the index entries of rows that are deleted later.
async fn old_snapshot(database: &TestDatabase) -> PgConnection {
    let mut old = PgConnection::connect(&database.url).await.unwrap();
    let begin = "begin isolation level repeatable read; select count(*) from simple_queue.jobs";
    sqlx::raw_sql(begin).execute(&mut old).await.unwrap();
    old
}

/// Leaves this many dead index entries of jobs of this priority that were due for an hour; the snapshot keeps them.
async fn leave_dead(database: &TestDatabase, priority: i16, jobs: usize) -> PgConnection {
    let jobs = database.job().priority(priority).due_since(HOUR).insert_many(jobs);
    database.fill_jobs(async || jobs.await).await;
    let old = old_snapshot(database).await;
    database.execute("delete from simple_queue.jobs").await;
    old
}

/// The time until a new job starts.
async fn latency(queue: &SimpleQueue, probe: &Probe) -> Duration {
    let began = Instant::now();
    let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    assert_eq!(probe.next_run().await.job_id, id);
    began.elapsed()
}

const HOUR: Duration = Duration::from_hours(1);

const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_jobs_start_at_once_though_a_sweep_takes_longer_than_a_statement_may() {
    let database = TestDatabase::migrated().await;
    let _old = leave_dead(&database, 0, 300_000).await;
    let probe = Probe::new();
    for _ in 0..2 {
        // A new process, and then one that has worked for a while.
        let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
        queue.register_handler(probe.clone());
        let worker = queue.start().await;
        for _ in 0..5 {
            let took = latency(&queue, &probe).await;
            assert!(took < SOON, "a new job waited for {took:?}");
        }
        worker.shutdown(STOP).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_among_dead_index_entries_is_found_by_sweeps_of_slices() {
    let database = TestDatabase::migrated().await;
    let _old = leave_dead(&database, 0, 300_000).await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    latency(&queue, &probe).await;
    // As from a transaction that began half an hour ago and commits now.
    database.job().due_since(HOUR / 2).insert().await;
    // A pause of 10 s follows a slice that takes too long.
    eventually("it is done", async || database.count("archive").await == 2).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_behind_dead_index_entries_is_drained() {
    let database = TestDatabase::migrated().await;
    let _old = leave_dead(&database, 0, 300_000).await;
    database.job().due_since(HOUR / 6).insert_many(5000).await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("all are done", async || database.count("archive").await == 5000).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_priority_that_no_job_declares_is_found_beside_an_expensive_one() {
    let database = TestDatabase::migrated().await;
    // A new process knows neither priority, and its probe for the second meets all entries of the first.
    let _old = leave_dead(&database, 5, 300_000).await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    assert!(latency(&queue, &probe).await < SOON);
    database.job().priority(9).insert().await;
    probe.next_run().await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_priorities_delay_no_job_of_a_known_priority_and_others_only_a_little() {
    let database = TestDatabase::migrated().await;
    // All priorities from -10,000 to 10,000 except the default, which is 0.
    let others = "case when n <= 10000 then -n else n - 10000 end";
    database.job().set("priority", others).due_in(HOUR * 24).insert_many(20_000).await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    for _ in 0..5 {
        let took = latency(&queue, &probe).await;
        assert!(took < SOON, "a job of the usual priority waited for {took:?}");
    }
    for priority in [-32768, 5, 9999, 32767] {
        database.job().priority(priority).insert().await;
        probe.next_run().await;
    }
    worker.shutdown(STOP).await;
}

/// Fired when a job of the backlog starts.
#[derive(Default, JobState)]
struct Started(Notify);

#[job(queue = "lane", concurrency = 2)]
async fn waits(started: &Started) {
    started.0.notify_one();
}

#[job(queue = "lane")]
async fn others() {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_a_kind_that_is_read_apart_starts_at_once_though_all_of_it_is_passed_for_others()
 {
    let database = TestDatabase::migrated().await;
    let waiting = database.job().queue("lane").kind("waits").payload(Waits::new()).due_since(HOUR);
    database.fill_jobs(async || waiting.insert_many(600_000).await).await;
    let (queue, started) = (database.queue().await, Arc::new(Started::default()));
    queue.register(jobs![Waits, Others], Arc::clone(&started)).unwrap();
    let began = Instant::now();
    let worker = queue.start().await;
    started.0.notified().await;
    let took = began.elapsed();
    assert!(took < 2 * SOON, "the first job waited for {took:?}");
    worker.shutdown(Duration::ZERO).await;
}
