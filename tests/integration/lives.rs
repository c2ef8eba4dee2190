//! An id is used once. Where one is used again by hand, no job is taken for the one before it.

use simple_queue::{Acted, Error, JobStatus, prelude::*};
use uuid::Uuid;

use crate::support::{Probe, STOP, Say, TestDatabase, Working, eventually, working};

fn used(error: &BoxDynError) -> Option<Uuid> {
    match error.downcast_ref() {
        Some(Error::IdUsed { job_id, .. }) => Some(*job_id),
        _ => None,
    }
}

/// Inserts a job by hand, with an id that was used before.
async fn insert_by_hand(database: &TestDatabase, id: Uuid, say: Say) {
    database.job().id(id).payload(say).max_attempts(1).unique_key("by hand").insert().await;
}

#[tokio::test]
async fn a_job_that_is_over_is_refused_whatever_way_it_is_inserted_again() {
    let Working { database, queue, probe: _probe, worker } = working().await;
    let (done, dead) = (Probe::job(Say::Success), Probe::job(Say::Critical));
    queue.insert_jobs(vec![done.clone(), dead.clone()]).await.unwrap();
    for job in [&done, &dead] {
        queue.wait(job.id, STOP).await.unwrap();
        let refused = queue.insert_job(job.clone()).await.unwrap_err();
        assert_eq!(used(&refused), Some(job.id), "{refused}");
        let refused = queue.insert_job(job.clone().with_unique_key("k")).await.unwrap_err();
        assert_eq!(used(&refused), Some(job.id), "{refused}");
        let others = vec![Probe::job(Say::Success), job.clone()];
        let refused = queue.insert_jobs(others).await.unwrap_err();
        assert_eq!(used(&refused), Some(job.id), "{refused}");
        // Also an id that the caller sets, which need not tell when it was made.
        let mut by_caller = Probe::job(Say::Success);
        by_caller.id = job.id;
        assert_eq!(used(&queue.insert_job(by_caller).await.unwrap_err()), Some(job.id));
    }
    assert_eq!(database.count("all_jobs").await, 2, "nothing else was stored");
    // A dead letter that is retried is the same job as before.
    queue.pause(Probe::QUEUE).await.unwrap();
    assert_eq!(queue.admin().as_actor("test").retry(dead.id).await.unwrap(), Acted::Done);
    assert_eq!(queue.insert_job(dead).await.unwrap(), None);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_id_of_any_version_is_used_once() {
    let Working { database: _database, queue, probe: _probe, worker } = working().await;
    let mut job = Probe::job(Say::Success);
    job.id = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
    assert_eq!(queue.insert_job(job.clone()).await.unwrap(), Some(job.id));
    queue.wait(job.id, STOP).await.unwrap();
    assert_eq!(used(&queue.insert_job(job.clone()).await.unwrap_err()), Some(job.id));
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_insert_whose_answer_was_lost_is_not_taken_for_the_job_before_it() {
    let Working { database, queue, probe: _probe, worker } = working().await;
    let job = Probe::job(Say::Success);
    queue.insert_job(job.clone()).await.unwrap();
    queue.wait(job.id, STOP).await.unwrap();
    worker.shutdown(STOP).await;
    // The call looks the ids up in the archive, and waits there until its connection is cut.
    let mut lock = database.pool.begin().await.unwrap();
    sqlx::query("lock simple_queue.archive in access exclusive mode")
        .execute(&mut *lock)
        .await
        .unwrap();
    let mut again = std::pin::pin!(queue.insert_job(job.clone()));
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    loop {
        let polled = tokio::time::timeout(std::time::Duration::from_millis(5), &mut again).await;
        assert!(polled.is_err(), "{polled:?}");
        if database.value::<i64>(cut).await > 0 {
            break;
        }
    }
    lock.rollback().await.unwrap();
    assert_eq!(used(&again.await.unwrap_err()), Some(job.id));
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn the_end_of_a_job_with_a_reused_id_is_written_though_its_row_was_locked() {
    let Working { database, queue, probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    queue.wait(id, STOP).await.unwrap();
    probe.next_run().await;
    insert_by_hand(&database, id, Say::WaitForGate).await;
    probe.next_run().await;
    database.execute("select from simple_queue.jobs for update").await;
    probe.open_gate(1);
    eventually("its end is written", async || database.count("jobs").await == 0).await;
    assert_eq!(database.count("archive").await, 2);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn of_two_jobs_with_one_id_that_fail_the_second_is_the_dead_letter() {
    let Working { database, queue, probe: _probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::Critical)).await.unwrap().unwrap();
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::CriticalFailure);
    insert_by_hand(&database, id, Say::Failed).await;
    eventually("the second death is recorded", async || {
        database.count("dead_letters where status = 'failed' and unique_key = 'by hand'").await == 1
    })
    .await;
    worker.shutdown(STOP).await;
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn a_cancelled_job_with_a_reused_id_becomes_the_dead_letter() {
    let Working { database, queue, probe: _probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::Critical)).await.unwrap().unwrap();
    queue.wait(id, STOP).await.unwrap();
    worker.shutdown(STOP).await;
    insert_by_hand(&database, id, Say::Success).await;
    assert!(queue.cancel(id).await.unwrap());
    assert_eq!(database.count("dead_letters where status = 'cancelled'").await, 1);
    assert!(!queue.cancel(id).await.unwrap());
}

#[tokio::test]
async fn a_bad_job_with_a_reused_id_becomes_the_dead_letter() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = Probe::job(Say::Success);
    queue.insert_job(job.clone()).await.unwrap();
    assert!(queue.cancel(job.id).await.unwrap());
    insert_by_hand(&database, job.id, Say::Success).await;
    database.change(job.id).running_nowhere().crash_count(100).write().await;
    let worker = queue.start().await;
    eventually("it is a bad job", async || {
        database.count("dead_letters where status = 'bad_job' and unique_key = 'by hand'").await
            == 1
    })
    .await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn the_leases_of_an_id_that_the_caller_made_are_its_own() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = Probe::job(Say::Success);
    queue.insert_job(job.clone()).await.unwrap();
    assert_eq!(database.count("jobs where lease > 4294967295").await, 1);
    assert_eq!(queue.insert_job(job).await.unwrap(), None, "it is live");
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    assert_eq!(database.count("jobs where lease = 0").await, 1, "a new id needs none");
}
