//! Stage 5: a job that was in a process when it died is suspected, and runs alone.

use simple_queue::JobStatus;

use crate::support::{Mortal, Probe, STOP, Say, TestDatabase, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_killed_too_many_processes_is_a_bad_job() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let doomed = Mortal::with(&database, &probe).await;
    let queue = database.queue().await;
    let id = queue.insert_job(Probe::job(Say::Hang)).await.unwrap().unwrap();
    probe.next_run().await;
    database.change_jobs().crash_count(5).write().await;
    doomed.kill();
    let worker = queue.start().await;
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::BadJob);
    worker.shutdown(STOP).await;
    let reason: String = database.value("select reason from simple_queue.dead_letters").await;
    assert_eq!(reason, "the process that ran it died, 6 times");
    assert_eq!(database.count("dead_letters where attempt = 0").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_beside_a_suspect_is_counted_against_the_suspect_alone() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let queue = database.queue().await;
    let suspect = queue.insert_job(Probe::job(Say::Hang)).await.unwrap().unwrap();
    database.change_jobs().crash_count(2).write().await;
    queue.insert_jobs((0..3).map(|_| Probe::job(Say::Hang)).collect()).await.unwrap();
    let doomed = Mortal::with(&database, &probe).await;
    for _ in 0..4 {
        probe.next_run().await;
    }
    let named: Option<uuid::Uuid> =
        database.value("select suspect_id from simple_queue.workers").await;
    assert_eq!(named, Some(suspect), "written before it runs");
    doomed.kill();
    // This worker serves no queue, so it only returns the jobs.
    let worker = queue.start().await;
    eventually("all are returned", async || {
        database.count("jobs where worker_id is null").await == 4
    })
    .await;
    worker.shutdown(STOP).await;
    assert_eq!(
        database.count(&format!("jobs where id = '{suspect}' and crash_count = 3")).await,
        1
    );
    assert_eq!(database.count("jobs where crash_count = 0 and attempt = 0").await, 3);
}

#[tokio::test]
async fn suspects_run_one_at_a_time_and_a_suspect_that_survives_is_cleared() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.insert_jobs((0..2).map(|_| Probe::job(Say::WaitForGate)).collect()).await.unwrap();
    database.change_jobs().crash_count(2).write().await;
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    probe.next_run().await;
    eventually("the other was given back", async || {
        database.count("jobs where worker_id is null and lease = 2 and attempt = 0").await == 1
    })
    .await;
    assert_eq!(probe.other_runs().await, []);
    probe.open_gate(2);
    eventually("both are archived", async || database.count("archive").await == 2).await;
    assert_eq!(database.count("workers where suspect_id is null").await, 1);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_suspects_run_one_after_another_without_being_claimed_in_vain() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.insert_jobs((0..200).map(|_| Probe::job(Say::Success)).collect()).await.unwrap();
    database.change_jobs().suspect().write().await;
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    eventually("all are done", async || database.count("archive").await == 200).await;
    assert_eq!(probe.most_at_once(), 1);
    assert_eq!(database.count("archive where lease = 1 and attempt = 1").await, 200);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_that_ran_without_a_crash_loses_one_crash() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    let id = queue
        .insert_job(Probe::job(Say::FailBefore(2)).with_max_attempts(9))
        .await
        .unwrap()
        .unwrap();
    database.change(id).suspect().write().await;
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    queue.wait(id, STOP).await.unwrap();
    assert_eq!(database.count("archive where crash_count = 1").await, 1);
    worker.shutdown(STOP).await;
}
