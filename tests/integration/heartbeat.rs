//! Stage 5: a process keeps the jobs that it runs as long as it sends heartbeats.

use simple_queue::JobStatus;
use simple_queue::prelude::*;

use crate::support::{Log, Mortal, Probe, STOP, Say, TestDatabase, Working, eventually, working};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_jobs_of_a_killed_process_run_again_with_their_attempts() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let doomed = Mortal::with(&database, &probe).await;
    let queue = database.queue().await;
    queue.insert_jobs((0..3).map(|_| Probe::job(Say::WaitForGate)).collect()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(probe.next_run().await.attempt, 1);
    }
    doomed.kill();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    for _ in 0..3 {
        assert_eq!(probe.next_run().await.attempt, 1);
    }
    probe.open_gate(3);
    eventually("all are archived", async || database.count("archive").await == 3).await;
    assert_eq!(database.count("archive where attempt = 1 and crash_count = 1").await, 3);
    assert_eq!(database.count("workers").await, 1, "the row of the dead one is deleted");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_runs_longer_than_the_time_to_death_is_left_alone() {
    let database = TestDatabase::migrated().await;
    let (queue, other, probe) = (database.queue().await, database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap();
    probe.next_run().await;
    let watcher = other.start().await;
    // Many more intervals than a process without heartbeats has until it is declared dead.
    for _ in 0..15 {
        let beat: chrono::DateTime<chrono::Utc> =
            database.value("select min(heartbeat_at) from simple_queue.workers").await;
        eventually("all have beaten", async || {
            database
                .value::<chrono::DateTime<chrono::Utc>>(
                    "select min(heartbeat_at) from simple_queue.workers",
                )
                .await
                > beat
        })
        .await;
    }
    assert_eq!(database.count("jobs where lease = 1 and crash_count = 0").await, 1);
    probe.open_gate(1);
    worker.shutdown(STOP).await;
    watcher.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await, []);
}

#[tokio::test]
async fn a_process_that_was_declared_dead_lets_go_and_works_on_under_a_new_id() {
    let Working { database, queue, probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap().unwrap();
    probe.next_run().await;
    let before = database.only_process().await;
    database.execute("delete from simple_queue.workers").await;
    // The run whose process has no row is dropped, and the job, which no process holds now, runs again.
    assert_eq!(probe.next_run().await.job_id, id);
    let after = database.only_process().await;
    assert_ne!(before, after);
    probe.open_gate(1);
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
    assert_eq!(database.count("archive").await, 1);
}

#[tokio::test]
async fn a_process_that_cannot_beat_lets_go_of_what_it_runs_and_claims_no_more() {
    let Working { database, queue, probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap().unwrap();
    probe.next_run().await;
    // Its row is locked, so no heartbeat is written; everything else in the database works.
    let mut tx = database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.workers for update").execute(&mut *tx).await.unwrap();
    eventually("the run is dropped", async || probe.running() == 0).await;
    assert_eq!(probe.other_runs().await, []);
    tx.rollback().await.unwrap();
    assert_eq!(probe.next_run().await.job_id, id, "it goes on when it can beat again");
    probe.open_gate(1);
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
    assert_eq!(database.count("archive where attempt = 1 and crash_count = 0").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_to_be_cancelled_when_its_process_died_is_cancelled() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let doomed = Mortal::with(&database, &probe).await;
    let queue = database.queue().await;
    let id = queue.insert_job(Probe::job(Say::Hang)).await.unwrap().unwrap();
    probe.next_run().await;
    doomed.kill();
    database.change_jobs().cancel_requested().write().await;
    let worker = queue.start().await;
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Cancelled);
    worker.shutdown(STOP).await;
    assert_eq!(database.count("workers").await, 0);
    assert_eq!(database.count("dead_letters where lease = 2 and attempt = 0").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_process_stays_until_all_its_jobs_could_be_returned() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let doomed = Mortal::with(&database, &probe).await;
    let queue = database.queue().await;
    let locked = queue.insert_job(Probe::job(Say::Hang)).await.unwrap().unwrap();
    queue.insert_job(Probe::job(Say::Hang)).await.unwrap();
    probe.next_run().await;
    probe.next_run().await;
    let mut tx = database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.jobs where id = $1 for update")
        .bind(locked)
        .execute(&mut *tx)
        .await
        .unwrap();
    doomed.kill();
    let worker = queue.start().await;
    let free = "jobs where worker_id is null and crash_count = 1";
    eventually("the free one is returned", async || database.count(free).await == 1).await;
    assert_eq!(database.count("workers").await, 2, "one of them dead, and still in the table");
    tx.rollback().await.unwrap();
    eventually("the other too", async || database.count(free).await == 2).await;
    eventually("its row is deleted", async || database.count("workers").await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_worker_that_starts_before_the_database_is_there_waits_for_it() {
    let database = TestDatabase::empty().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let starting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.start().await }
    });
    queue.migrate().await.unwrap();
    let worker = starting.await.unwrap();
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_jobs_of_a_dead_process_return_though_the_clock_of_the_server_was_set_back() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let doomed = Mortal::with(&database, &probe).await;
    let queue = database.queue().await;
    queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap();
    probe.next_run().await;
    doomed.kill();
    // As on a server whose clock was set back by an hour.
    database
        .execute("update simple_queue.workers set heartbeat_at = heartbeat_at + interval '1 hour'")
        .await;
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    probe.next_run().await;
    probe.open_gate(1);
    eventually("it is done", async || database.count("archive").await == 1).await;
    worker.shutdown(STOP).await;
}

/// Blocks the thread that it runs on, which no handler should do.
struct Blocking(std::sync::mpsc::Sender<()>);

impl Handler for Blocking {
    const QUEUE: &'static str = "blocking";

    async fn process(&self, _: &SimpleQueue, _: &Job) -> Result<JobResult, BoxDynError> {
        self.0.send(())?;
        std::thread::sleep(std::time::Duration::from_secs(3));
        Ok(JobResult::Success)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_all_threads_is_not_taken_for_a_crash() {
    let database = TestDatabase::migrated().await;
    let (began, runs) = std::sync::mpsc::channel();
    let url = database.url.clone();
    let blocked = Mortal::start(move || async move {
        let queue = TestDatabase::queue_at(&url).await;
        queue.register_handler(Blocking(began));
        queue
    })
    .await;
    let queue = database.queue().await;
    let id = queue.insert_job(Job::new("blocking", 1)).await.unwrap().unwrap();
    // A process that would return the job of a dead one, and sends heartbeats all the while.
    let watcher = queue.start().await;
    eventually("it is done", async || database.count("archive").await == 1).await;
    assert_eq!(runs.try_iter().count(), 1, "it ran once");
    let unharmed = format!("archive where id = '{id}' and crash_count = 0 and lease = 1");
    assert_eq!(database.count(&unharmed).await, 1);
    watcher.shutdown(STOP).await;
    blocked.kill();
}

#[tokio::test]
async fn a_notification_alone_cancels_nothing() {
    let Working { database, queue, probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap().unwrap();
    probe.next_run().await;
    let beat = "select heartbeat_at from simple_queue.workers";
    for _ in 0..3 {
        let before: chrono::DateTime<chrono::Utc> = database.value(beat).await;
        database
            .execute(&format!("select pg_notify('\"simple_queue\".jobs', 'cancel {id}')"))
            .await;
        eventually("the heartbeat asked", async || {
            database.value::<chrono::DateTime<chrono::Utc>>(beat).await > before
        })
        .await;
    }
    assert_eq!(probe.running(), 1);
    probe.open_gate(1);
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_its_process_does_not_know_of_is_returned() {
    let Working { database, queue, probe, worker } = working().await;
    // As after a claim that is committed long after its process stopped looking for it.
    let claimed = database.job().running_on(database.only_process().await);
    claimed.set("updated_at", "now() - interval '6 min'").insert().await;
    probe.next_run().await;
    eventually("it is done", async || database.count("archive").await == 1).await;
    assert_eq!(database.count("archive where crash_count = 0 and attempt = 1").await, 1);
    let done = "upkeep where task = 'orphans' and done_at > now() - interval '1 min'";
    assert_eq!(database.count(done).await, 1);
    drop(queue);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn one_process_looks_for_orphans_for_all() {
    let database = TestDatabase::migrated().await;
    database.execute("update simple_queue.upkeep set done_at = now()").await;
    let before: chrono::DateTime<chrono::Utc> =
        database.value("select done_at from simple_queue.upkeep").await;
    let worker = database.queue().await.start().await;
    let beats =
        "select extract(epoch from heartbeat_at - started_at)::float8 from simple_queue.workers";
    // Its own first search comes within six intervals of 200 ms.
    eventually("it has asked", async || database.value::<f64>(beats).await > 2.0).await;
    let after: chrono::DateTime<chrono::Utc> =
        database.value("select done_at from simple_queue.upkeep").await;
    assert_eq!(before, after, "another process has just looked");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_process_without_a_row_gets_one_before_it_sleeps() {
    let database = TestDatabase::migrated().await;
    let (log, _guard) = Log::of_this_thread();
    // Its next heartbeat, which would notice the missing row, is an hour away.
    let queue = database.queue().await.with_heartbeat_interval(std::time::Duration::from_hours(1));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    eventually("it sleeps", async || database.count("idle_workers").await == 1).await;
    // After an error the worker marks itself as idle again.
    for sql in [
        "create function public.fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$",
        "create trigger fail before update on simple_queue.jobs
            for each statement execute function public.fail()",
    ] {
        database.execute(sql).await;
    }
    let wake = "select pg_notify('\"simple_queue\".jobs', 'queue probe')";
    eventually("a fetch failed", async || {
        database.execute(wake).await;
        log.count("fetch failed") > 0
    })
    .await;
    for sql in [
        "delete from simple_queue.workers",
        "delete from simple_queue.idle_workers",
        "drop trigger fail on simple_queue.jobs",
    ] {
        database.execute(sql).await;
    }
    let marked = "idle_workers join simple_queue.workers on id = worker_id";
    eventually("it sleeps again", async || database.count(marked).await == 1).await;
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    worker.shutdown(STOP).await;
}
