//! Stage 8, when the database refuses the ends of runs: the worker keeps them and waits.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use simple_queue::{JobStatus, prelude::*};

use crate::support::{Log, Probe, STOP, Say, TestDatabase, eventually};

/// Makes the archive do this with each row, and count the rows that it was given.
async fn archive_does(database: &TestDatabase, what: &str) {
    database.execute("create sequence asked").await;
    database.execute(&on_archive(&format!("perform nextval('public.asked'); {what}"))).await;
    let trigger = "create trigger on_archive before insert on simple_queue.archive
        for each row execute function on_archive()";
    database.execute(trigger).await;
}

/// The table is not touched: that would wait for those who write to it, and they for that.
async fn archive_works_again(database: &TestDatabase) {
    database.execute(&on_archive("")).await;
}

fn on_archive(what: &str) -> String {
    format!(
        "create or replace function on_archive() returns trigger language plpgsql as $$
        begin {what} return new; end $$"
    )
}

async fn asked(database: &TestDatabase) -> i64 {
    database.value("select case when is_called then last_value else 0 end from asked").await
}

async fn probe_with(database: &TestDatabase, jobs: usize, permits: usize) -> (SimpleQueue, Probe) {
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let queue = queue.with_queue_default_semaphore_size(permits);
    let jobs = (0..jobs).map(|_| Probe::job(Say::Success)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    (queue, probe)
}

#[tokio::test]
async fn a_worker_whose_archive_refuses_stops_running_jobs_and_loses_none() {
    const JOBS: usize = 6000;
    const PERMITS: usize = 300;
    // Starts stop at twice what two statements hold; those that run at that moment come to it.
    const MOST_STARTED: usize = 2 * 2000 + PERMITS;
    // A full disk, a missing right to insert, and a trigger that raises an error.
    for code in ["53100", "42501", "P0001"] {
        let database = TestDatabase::migrated().await;
        let (queue, probe) = probe_with(&database, JOBS, PERMITS).await;
        archive_does(&database, &format!("raise 'no' using errcode = '{code}';")).await;
        let worker = queue.start().await;
        eventually("it was refused for a while", async || asked(&database).await >= 7).await;
        let mut runs = probe.other_runs().await;
        assert!(runs.len() <= MOST_STARTED, "{code}: {} were started", runs.len());
        archive_works_again(&database).await;
        eventually("all are done", async || database.count("archive").await == 6000).await;
        worker.shutdown(STOP).await;
        assert_eq!(database.count("dead_letters").await, 0, "{code}");
        runs.extend(probe.other_runs().await);
        let jobs: HashSet<_> = runs.iter().map(|run| run.job_id).collect();
        assert_eq!((runs.len(), jobs.len()), (JOBS, JOBS), "{code}: each ran once");
    }
}

#[tokio::test]
async fn a_worker_whose_archive_is_slow_runs_no_more_than_it_can_record() {
    const JOBS: i64 = 6000;
    let database = TestDatabase::migrated().await;
    let (queue, probe) = probe_with(&database, 6000, 100).await;
    archive_does(&database, "perform pg_sleep(0.002);").await;
    let worker = queue.start().await;
    let most_unwritten = AtomicI64::new(0);
    eventually("a statement or two are through", async || {
        let held = database.count("jobs where worker_id is not null").await;
        most_unwritten.fetch_max(held, Ordering::Relaxed);
        database.count("archive").await >= 1500
    })
    .await;
    let most = most_unwritten.into_inner();
    assert!(most < 3500, "{most} at once are over and not written");
    archive_works_again(&database).await;
    eventually("all are done", async || database.count("archive").await == JOBS).await;
    worker.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await.len(), 6000, "each ran once");
}

#[tokio::test]
async fn an_end_that_is_refused_alone_keeps_no_other_job_waiting() {
    let database = TestDatabase::migrated().await;
    let (queue, _probe) = probe_with(&database, 0, 5).await;
    let refused = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    archive_does(&database, &format!("if new.id = '{refused}' then raise 'no'; end if;")).await;
    let (log, _guard) = Log::of_this_thread();
    let worker = queue.start().await;
    let refusal = "the end of this job cannot be written";
    eventually("its end was refused", async || log.count(refusal) >= 1).await;
    // A claim finds nothing, and learns when the next job is due.
    let soon = database.value("select now() + interval '1 s'").await;
    let later = Probe::job(Say::Success).with_run_at(soon);
    let later = queue.insert_job(later).await.unwrap().unwrap();
    let limit = Duration::from_secs(5);
    assert_eq!(queue.wait(later, limit).await.unwrap().status, JobStatus::Completed);
    for _ in 0..50 {
        let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
        assert_eq!(queue.wait(id, limit).await.unwrap().status, JobStatus::Completed);
    }
    assert_eq!(database.count("jobs where lease = 1").await, 1, "and it is kept");
    archive_works_again(&database).await;
    assert_eq!(queue.wait(refused, STOP * 2).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
}

#[job(queue = "large")]
async fn answers_with_half_a_megabyte() -> Result<String, BoxDynError> {
    Ok("x".repeat(500_000))
}

#[tokio::test]
async fn large_results_are_written_a_few_at_a_time() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![AnswersWithHalfAMegabyte], ()).unwrap();
    let jobs = (0..60).map(|_| AnswersWithHalfAMegabyte::new());
    AnswersWithHalfAMegabyte::enqueue_all(jobs, &queue).await.unwrap();
    let worker = queue.start().await;
    eventually("all are done", async || database.count("archive").await == 60).await;
    worker.shutdown(STOP).await;
    let most_together = "select max(together) from (
        select count(*) as together from simple_queue.archive group by xmin::text) statement";
    let most: i64 = database.value(most_together).await;
    assert!(most <= 8, "{most} in one statement");
}
