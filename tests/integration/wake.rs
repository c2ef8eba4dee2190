//! Waking workers when there is something to fetch.

use std::time::Duration;

use chrono::TimeDelta;
use simple_queue::{prelude::*, sync::BackoffStrategy};
use sqlx::postgres::PgListener;

use crate::support::{Probe, STOP, Say, TestDatabase, Working, eventually, working};

const CHANNEL: &str = "\"simple_queue\".jobs";

#[job(queue = "probe")]
async fn anything() {}

async fn listener(database: &TestDatabase) -> PgListener {
    let mut listener = PgListener::connect(&database.url).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();
    listener
}

#[tokio::test]
async fn an_insert_of_the_callers_own_notifies_while_a_process_sleeps() {
    let database = TestDatabase::migrated().await;
    database.sleeping_process().await;
    let mut listener = listener(&database).await;
    let mut tx = database.pool.begin().await.unwrap();
    Anything::new().enqueue(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(listener.recv().await.unwrap().payload(), "queue probe");
    database.execute("select simple_queue.enqueue('elsewhere', '', '{}')").await;
    assert_eq!(listener.recv().await.unwrap().payload(), "queue elsewhere");
}

#[tokio::test]
async fn an_insert_notifies_no_process_while_none_sleeps() {
    let database = TestDatabase::migrated().await;
    let mut listener = listener(&database).await;
    Anything::new().enqueue(&database.pool).await.unwrap();
    Anything::new().enqueue(&database.queue().await).await.unwrap();
    database.execute("select simple_queue.enqueue('probe', '', '{}')").await;
    database.execute(&format!("select pg_notify('{CHANNEL}', 'the last')")).await;
    assert_eq!(listener.recv().await.unwrap().payload(), "the last");
}

#[tokio::test]
async fn while_no_process_sleeps_an_insert_through_a_queue_sends_no_notification() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let asked = "select count(*) from pg_stat_activity
        where datname = current_database() and query like '-- notify%'";
    for _ in 0..200 {
        Anything::new().enqueue(&queue).await.unwrap();
        assert_eq!(database.value::<i64>(asked).await, 0);
    }
    database.sleeping_process().await;
    eventually("the others notify", async || {
        // The first insert notifies in its own statement.
        let inserts = (0..10).map(|_| Anything::new().enqueue(&queue));
        futures_util::future::try_join_all(inserts).await.unwrap();
        database.value::<i64>(asked).await > 0
    })
    .await;
}

#[tokio::test]
async fn inserts_through_a_queue_notify_together() {
    let database = TestDatabase::migrated().await;
    database.sleeping_process().await;
    let mut listener = listener(&database).await;
    let queue = database.queue().await;
    let inserts = (0..100).map(|_| Anything::new().enqueue(&queue));
    futures_util::future::try_join_all(inserts).await.unwrap();
    assert_eq!(listener.recv().await.unwrap().payload(), "queue probe");
    database.execute(&format!("select pg_notify('{CHANNEL}', 'the last')")).await;
    let mut more = 0;
    while listener.recv().await.unwrap().payload() != "the last" {
        more += 1;
    }
    assert!(more < 50, "{more} notifications for 100 inserts");
}

#[tokio::test]
async fn an_idle_worker_says_so_and_a_job_of_another_process_wakes_it() {
    let Working { database, probe, worker, .. } = working().await;
    for _ in 0..3 {
        eventually("it sleeps", async || database.count("idle_workers").await == 1).await;
        database.execute("select simple_queue.enqueue('probe', '', '\"Success\"')").await;
        probe.next_run().await;
    }
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_transaction_that_began_before_the_worker_slept_does_not_wait_for_the_next_poll() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    let mut tx = database.pool.begin().await.unwrap();
    // No process sleeps yet, so this insert sends no notification.
    queue.register_handler(probe.clone());
    database.job().insert_in(&mut tx, 1).await;
    let worker = queue.start().await;
    eventually("it sleeps", async || database.count("idle_workers").await == 1).await;
    tx.commit().await.unwrap();
    probe.next_run().await;
    worker.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_worker_whose_listening_was_cut_listens_again() {
    let Working { database, queue, probe, worker } = working().await;
    let listening = "select count(*) from pg_stat_activity
        where datname = current_database() and query ilike 'listen%'";
    for _ in 0..2 {
        eventually("it listens", async || database.value::<i64>(listening).await == 1).await;
        let cut = format!(
            "{} where pid in ({})",
            "select count(pg_terminate_backend(pid)) from pg_stat_activity",
            listening.replace("count(*)", "pid")
        );
        database.execute(&cut).await;
        queue.insert_job(Probe::job(Say::Success)).await.unwrap();
        probe.next_run().await;
    }
    eventually("it listens", async || database.value::<i64>(listening).await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn jobs_that_a_stopping_process_gives_back_wake_sleeping_processes() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    queue.insert_job(Probe::job(Say::Hang)).await.unwrap();
    let worker = queue.start().await;
    probe.next_run().await;
    database.sleeping_process().await;
    let mut listener = listener(&database).await;
    worker.shutdown(Duration::from_millis(10)).await;
    assert_eq!(listener.recv().await.unwrap().payload(), "queue probe");
}

#[job(queue = "probe", unique(by = [number], on_conflict = "reschedule"))]
async fn debounced(number: i64) {
    let _ = number;
}

/// The worker was quiet for 6 s when it looked, so without a notification it would look again 6 s later.
#[tokio::test]
async fn a_job_that_was_put_off_while_a_worker_looked_starts_when_it_is_due() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Debounced], ()).unwrap();
    let first = Debounced::new(1).delay(Duration::from_secs(6)).enqueue(&queue).await.unwrap();
    let worker = queue.start().await;
    eventually("it sleeps", async || database.count("idle_workers").await == 1).await;
    let mut tx = database.pool.begin().await.unwrap();
    Debounced::new(1).delay(Duration::from_secs(7)).enqueue(&mut tx).await.unwrap();
    eventually("it was due while its row was locked", async || {
        database.count("jobs where run_at < now() - interval '0.5 s'").await == 1
    })
    .await;
    tx.commit().await.unwrap();
    let due: chrono::DateTime<chrono::Utc> =
        database.value("select run_at from simple_queue.jobs").await;
    queue.wait(first.id(), STOP).await.unwrap();
    let late: f64 = database
        .value(&format!(
            "select extract(epoch from finished_at - '{due}')::float8 from simple_queue.archive"
        ))
        .await;
    assert!(late < 1.0, "it was {late} s late");
    worker.shutdown(STOP).await;
}

/// Both were quiet for 5 s, so without a notification the other one would look 5 s later.
#[tokio::test]
async fn a_delayed_retry_of_a_process_that_stops_is_started_by_another_when_it_is_due() {
    let database = TestDatabase::migrated().await;
    let mut workers = Vec::new();
    for _ in 0..2 {
        let backoff = BackoffStrategy::Linear { delay: TimeDelta::seconds(2) };
        let queue = database.queue().await.with_default_backoff_strategy(backoff);
        let probe = Probe::new();
        queue.register_handler(probe.clone());
        workers.push((queue.start().await, probe));
    }
    eventually("both sleep", async || database.count("idle_workers").await == 2).await;
    let slept = "idle_workers w where not exists (
        select from simple_queue.workers where started_at > now() - interval '5 s')";
    eventually("both have slept for long", async || database.count(slept).await == 2).await;
    database.execute("select simple_queue.enqueue('probe', '', '{\"FailBefore\": 2}')").await;
    let first = tokio::select! {
        _ = workers[0].1.next_run() => 0,
        _ = workers[1].1.next_run() => 1,
    };
    eventually("it waits for its retry", async || {
        database.count("jobs where attempt = 1 and worker_id is null").await == 1
    })
    .await;
    let (stopped, _) = workers.remove(first);
    stopped.shutdown(STOP).await;
    let (worker, probe) = workers.remove(0);
    assert_eq!(probe.next_run().await.attempt, 2);
    let late: f64 = database
        .value(
            "select extract(epoch from now() - run_at)::float8 from simple_queue.jobs union all
            select extract(epoch from finished_at - (errors->-1->>'at')::timestamptz)::float8 - 2
            from simple_queue.archive",
        )
        .await;
    assert!(late < 1.0, "it started {late} s late");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_idle_mark_that_a_failover_lost_is_written_again_after_the_error() {
    let Working { database, worker, .. } = working().await;
    eventually("it sleeps", async || database.count("idle_workers").await == 1).await;
    database.execute("delete from simple_queue.idle_workers").await;
    database
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await;
    eventually("it says again that it sleeps", async || database.count("idle_workers").await == 1)
        .await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn workers_are_notified_of_a_burst_though_the_callers_pool_is_used_up() {
    let database = TestDatabase::migrated().await;
    database.sleeping_process().await;
    let queue = database.queue().await;
    let mut held = Vec::new();
    for _ in 0..queue.pool().options().get_max_connections() {
        held.push(queue.pool().acquire().await.unwrap());
    }
    let mut listener = listener(&database).await;
    // Of the inserts within 5 ms one notifies in its own statement.
    for n in 0..20 {
        let queues = [format!("first-{n}"), format!("second-{n}")];
        let jobs = queues.each_ref().map(|name| queue.insert_job(Job::new(name.clone(), 1)));
        futures_util::future::try_join_all(jobs).await.unwrap();
        let mut missing: std::collections::HashSet<_> =
            queues.iter().map(|name| format!("queue {name}")).collect();
        while !missing.is_empty() {
            let heard = tokio::time::timeout(STOP, listener.recv()).await;
            missing.remove(heard.expect("all are notified").unwrap().payload());
        }
    }
    drop(held);
}
