//! Whatever an old snapshot keeps in the index, new jobs start at once, and those that were overtaken start too.

use std::time::{Duration, Instant};

use simple_queue::SimpleQueue;
use sqlx::{Connection, PgConnection};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

/// A session that sees everything as it was; what is deleted meanwhile stays in the index.
async fn old_snapshot(database: &TestDatabase) -> PgConnection {
    let mut old = PgConnection::connect(&database.url).await.unwrap();
    let begin = "begin isolation level repeatable read; select count(*) from simple_queue.jobs";
    sqlx::raw_sql(begin).execute(&mut old).await.unwrap();
    old
}

/// Leaves so many dead entries of jobs of this priority, due since an hour, which an old snapshot keeps.
async fn leave_dead(database: &TestDatabase, priority: i16, jobs: i32) -> PgConnection {
    database
        .execute(&format!(
            "insert into simple_queue.jobs (id, queue, job_data, priority, run_at)
             select gen_random_uuid(), 'probe', '\"Success\"', {priority}, now() - interval '1 hour'
             from generate_series(1, {jobs})"
        ))
        .await;
    let old = old_snapshot(database).await;
    database.execute("delete from simple_queue.jobs").await;
    old
}

/// How long it takes until a new job starts.
async fn latency(queue: &SimpleQueue, probe: &Probe) -> Duration {
    let began = Instant::now();
    let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    assert_eq!(probe.next_run().await.job_id, id);
    began.elapsed()
}

const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_jobs_start_at_once_though_a_sweep_takes_longer_than_a_statement_may() {
    let database = TestDatabase::migrated().await;
    let _old = leave_dead(&database, 0, 300_000).await;
    let probe = Probe::new();
    for _ in 0..2 {
        // A process that is new, and then one that has been at work for a while.
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
async fn a_job_among_what_an_old_snapshot_keeps_is_found_by_sweeps_of_slices() {
    let database = TestDatabase::migrated().await;
    let _old = leave_dead(&database, 0, 300_000).await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    latency(&queue, &probe).await;
    // As of a transaction that began half an hour ago and commits now.
    database
        .execute(
            "insert into simple_queue.jobs (id, queue, job_data, run_at)
             values (gen_random_uuid(), 'probe', '\"Success\"', now() - interval '30 minutes')",
        )
        .await;
    // A slice that takes too long is followed by a pause of ten seconds.
    eventually("it is done", async || database.count("archive").await == 2).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_behind_what_an_old_snapshot_keeps_is_drained() {
    let database = TestDatabase::migrated().await;
    let _old = leave_dead(&database, 0, 300_000).await;
    database
        .execute(
            "insert into simple_queue.jobs (id, queue, job_data, run_at)
             select gen_random_uuid(), 'probe', '\"Success\"', now() - interval '10 minutes'
             from generate_series(1, 5000)",
        )
        .await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("all are done", async || database.count("archive").await == 5000).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_priority_that_no_job_declares_is_found_beside_a_dear_one() {
    let database = TestDatabase::migrated().await;
    // Neither is known to a new process, and the probe for the second meets all of the first.
    let _old = leave_dead(&database, 5, 300_000).await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    assert!(latency(&queue, &probe).await < SOON);
    database
        .execute(
            "insert into simple_queue.jobs (id, queue, job_data, priority)
             values (gen_random_uuid(), 'probe', '\"Success\"', 9)",
        )
        .await;
    probe.next_run().await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_priorities_delay_no_job_of_a_known_one_and_those_of_others_little() {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "insert into simple_queue.jobs (id, queue, job_data, priority, run_at)
             select gen_random_uuid(), 'probe', '\"Success\"', n, now() + interval '1 day'
             from generate_series(-10000, 10000) n where n <> 0",
        )
        .await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    for _ in 0..5 {
        let took = latency(&queue, &probe).await;
        assert!(took < SOON, "a job of the usual priority waited for {took:?}");
    }
    for priority in [-32768, 5, 9999, 32767] {
        let insert = format!(
            "insert into simple_queue.jobs (id, queue, job_data, priority)
             values (gen_random_uuid(), 'probe', '\"Success\"', {priority})"
        );
        database.execute(&insert).await;
        probe.next_run().await;
    }
    worker.shutdown(STOP).await;
}
