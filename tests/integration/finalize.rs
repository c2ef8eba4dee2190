//! Stage 8: the outcome of a run is written once, by the process that holds the lease.

use simple_queue::prelude::*;

use crate::support::{Probe, STOP, Say, TestDatabase, Working, eventually, working};

#[job(queue = "gated", retries = 1)]
async fn gated(gate: &tokio::sync::Semaphore, answer: String) -> Result<JobResult, BoxDynError> {
    gate.acquire().await?.forget();
    match answer.as_str() {
        "success" => Ok(JobResult::Success),
        "critical" => Ok(JobResult::Critical),
        "unprocessable" => Ok(JobResult::Unprocessable),
        "cancel" => Ok(JobResult::Cancel),
        "reschedule" => Ok(JobResult::RescheduleAt(chrono::DateTime::UNIX_EPOCH)),
        _ => Ok(JobResult::Failed),
    }
}

#[derive(JobState)]
struct Gate {
    gate: std::sync::Arc<tokio::sync::Semaphore>,
}

#[tokio::test]
async fn a_run_that_lost_its_lease_changes_nothing_whatever_its_outcome() {
    for answer in ["success", "failure", "critical", "unprocessable", "cancel", "reschedule"] {
        let database = TestDatabase::migrated().await;
        let queue = database.queue().await;
        let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
        queue.register(jobs![Gated], Gate { gate: std::sync::Arc::clone(&gate) }).unwrap();
        Gated::new(answer).enqueue(&queue).await.unwrap();
        let worker = queue.start().await;
        eventually("it runs", async || database.count("jobs where lease = 1").await == 1).await;
        assert_eq!(database.take_jobs_away().await, 1);
        let row = "select to_jsonb(j) from simple_queue.jobs j";
        let before: serde_json::Value = database.value(row).await;
        gate.add_permits(1);
        worker.shutdown(STOP).await;
        let after: serde_json::Value = database.value(row).await;
        assert_eq!(before, after, "{answer}");
        assert_eq!(database.count("archive").await, 0, "{answer}");
        assert_eq!(database.count("dead_letters").await, 0, "{answer}");
    }
}

#[tokio::test]
async fn a_locked_row_delays_no_other_job() {
    let Working { database, queue, probe, worker } = working().await;
    let locked = queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap().unwrap();
    probe.next_run().await;
    let mut tx = database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.jobs where id = $1 for update")
        .bind(locked)
        .execute(&mut *tx)
        .await
        .unwrap();
    // The ends of the locked job and of the others are written together or shortly after each other.
    probe.open_gate(1);
    let others = (0..20).map(|_| Probe::job(Say::Success)).collect();
    queue.insert_jobs(others).await.unwrap();
    eventually("the others are archived", async || database.count("archive").await == 20).await;
    assert_eq!(database.count("jobs").await, 1);
    tx.rollback().await.unwrap();
    eventually("it is archived too", async || database.count("archive").await == 21).await;
    worker.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await.len(), 20, "nothing ran twice");
}

#[tokio::test]
async fn a_worker_makes_a_partition_of_the_archive_that_is_missing() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    // The janitor would make the partitions soon after its start.
    let worker = simple_queue::start_without_janitor(&queue).await;
    let drop_all = "do $$ declare p text; begin
        for p in select inhrelid::regclass from pg_inherits where inhparent = 'simple_queue.archive'::regclass
        loop execute 'drop table ' || p; end loop; end $$";
    database.execute(drop_all).await;
    let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, simple_queue::JobStatus::Completed);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_end_that_the_database_refused_is_written_when_the_database_is_back() {
    let Working { database, queue, probe, worker } = working().await;
    queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap();
    probe.next_run().await;
    // Every statement is cut off, as in a restart, while the job ends.
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    let mut connection = database.pool.acquire().await.unwrap();
    probe.open_gate(1);
    for _ in 0..20 {
        sqlx::query(cut).execute(&mut *connection).await.unwrap();
    }
    drop(connection);
    eventually("it is archived", async || {
        let archived = sqlx::query_scalar("select count(*) from simple_queue.archive");
        matches!(archived.fetch_one(&database.pool).await, Ok(1_i64))
    })
    .await;
    worker.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await, [], "it ran once");
}

#[job(queue = "forgotten", retain = "none")]
async fn forgotten(fails: bool) -> Result<(), JobError> {
    if fails { Err(JobError::fail("no attempt can help")) } else { Ok(()) }
}

#[tokio::test]
async fn a_job_without_history_is_deleted_when_it_is_done_and_kept_when_it_fails() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Forgotten], ()).unwrap();
    let worker = queue.start().await;
    let failed = Forgotten::new(true).enqueue(&queue).await.unwrap();
    let done = Forgotten::new(false).enqueue(&queue).await.unwrap();
    eventually("both are over", async || database.count("jobs").await == 0).await;
    assert_eq!(queue.status(failed.id()).await.unwrap(), simple_queue::JobStatus::CriticalFailure);
    assert!(matches!(queue.status(done.id()).await, Err(simple_queue::Error::UnknownJob { .. })));
    assert_eq!(database.count("dead_letters where keep_until is null").await, 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_queue_without_history_keeps_only_the_jobs_that_say_so() {
    #[job(queue = "remembered", retain = "7d")]
    async fn remembered() {}
    let database = TestDatabase::migrated().await;
    let none = simple_queue::Retention::new().archive(std::time::Duration::ZERO);
    let (queue, probe) = (database.queue().await.with_retention(none), Probe::new());
    queue.register(jobs![Remembered], ()).unwrap();
    queue.register_handler(probe.clone());
    let jobs = (0..50).map(|_| Probe::job(Say::Success)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    Remembered::new().enqueue(&queue).await.unwrap();
    let worker = queue.start().await;
    eventually("all are done", async || database.count("jobs").await == 0).await;
    assert_eq!(database.count("archive").await, 1);
    assert_eq!(database.count("archive where kind = 'remembered'").await, 1);
    worker.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await.len(), 50, "each ran once");
}

#[tokio::test]
async fn a_job_is_finished_in_the_transaction_that_claims_the_next() {
    // On a busy machine the finalizer may be there before the claim, though hardly ten times.
    for _ in 0..10 {
        if second_is_finished_with_the_claim_of_the_third().await {
            return;
        }
    }
    panic!("the second was never finished with the claim of the third");
}

async fn second_is_finished_with_the_claim_of_the_third() -> bool {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let queue = queue.with_queue_default_semaphore_size(1);
    let jobs = (0..3).map(|_| Probe::job(Say::WaitForGate)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    let worker = queue.start().await;
    for _ in 0..2 {
        probe.next_run().await;
        probe.open_gate(1);
    }
    probe.next_run().await;
    let together = "select count(*) from simple_queue.archive a
        join simple_queue.jobs j on j.xmin::text = a.xmin::text";
    let together: i64 = database.value(together).await;
    probe.open_gate(1);
    worker.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await.len(), 0, "each ran once");
    together == 1
}
