//! Unique keys that a new job takes over from one that runs.

use futures_util::future::join_all;
use simple_queue::{Acted, EnqueueOutcome, Error, OnConflict, UniqueWhile, prelude::*};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::support::{Probe, STOP, Say, TestDatabase, Working, eventually, working};

#[job(queue = "q", unique(key = "{key}", while = "pending"))]
async fn latest(key: String, text: String) {
    let _ = (key, text);
}

/// The same key under another declaration.
#[job(name = "latest", payload = Only, queue = "q", unique(key = "{key}", while = "running"))]
async fn only(key: String, text: String) {
    let _ = (key, text);
}

#[job(name = "latest", payload = Hourly, queue = "q", unique(key = "{key}", while = "pending", for = "1h"))]
async fn hourly(key: String, text: String) {
    let _ = (key, text);
}

#[job(queue = "q", unique(by = [], while = "pending"))]
async fn chain(context: &JobContext, left: u32) -> Result<(), BoxDynError> {
    if left > 0 {
        Chain::new(left - 1).enqueue(context).await?;
    }
    Ok(())
}

#[job(queue = "q", unique(by = [], while = "pending"))]
async fn chain_in_tx(tx: &mut JobTx, left: u32) -> Result<(), BoxDynError> {
    if left > 0 {
        ChainInTx::new(left - 1).enqueue(tx).await?;
    }
    Ok(())
}

/// Begins the run of a job that has the key, as it is stored.
async fn run(Working { database, queue, probe, .. }: &Working, say: Say, key: &str) -> Uuid {
    let job = Probe::job(say).with_unique_key(key);
    let id = queue.insert_job(job).await.unwrap().expect("the key is free");
    probe.next_run().await;
    assert_eq!(
        database.count(&format!("jobs where id = '{id}' and worker_id is not null")).await,
        1
    );
    id
}

/// A row in the name of a process that is not there, as if it ran.
async fn running(database: &TestDatabase) -> Uuid {
    database.job().kind("latest").unique_key("latest:k").running_nowhere().insert().await
}

async fn is_waiting(database: &TestDatabase) -> bool {
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    database.value::<i64>(waiting).await > 0
}

#[tokio::test]
async fn a_new_job_takes_the_key_from_a_running_one_and_nothing_else() {
    let working = working().await;
    let first = run(&working, Say::WaitForGate, "latest:k").await;
    let Working { database, queue, probe, worker } = working;
    let row = format!(
        "select (to_jsonb(j) - 'unique_key' - 'updated_at')::text from simple_queue.jobs j where id = '{first}'"
    );
    let before = database.value::<String>(&row).await;
    let second = Latest::new("k", "a").enqueue(&queue).await.unwrap();
    assert!(second.is_new());
    assert_eq!(database.value::<String>(&row).await, before);
    assert_eq!(Latest::find("k", &queue).await.unwrap().unwrap().id, second.id());
    let third = Latest::new("k", "b").enqueue(&queue).await.unwrap();
    assert_eq!((third.id(), third.outcome()), (second.id(), EnqueueOutcome::Duplicate));

    probe.open_gate(1);
    let ended = queue.wait(first, STOP).await.unwrap();
    assert_eq!(ended.status, simple_queue::JobStatus::Completed, "its lease is as it was");
    assert_eq!(database.count("archive where unique_key is null").await, 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_waits_holds_its_key_as_ever() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let first = Latest::new("k", "a").enqueue(&queue).await.unwrap();
    for (on_conflict, outcome) in [
        (OnConflict::Ignore, EnqueueOutcome::Duplicate),
        (OnConflict::Replace, EnqueueOutcome::Replaced),
        (OnConflict::Reschedule, EnqueueOutcome::Rescheduled),
    ] {
        let job = Latest::new("k", "b").on_conflict(on_conflict).enqueue(&queue).await.unwrap();
        assert_eq!((job.id(), job.outcome()), (first.id(), outcome));
    }
    let refused = Latest::new("k", "b").on_conflict(OnConflict::Error).enqueue(&queue).await;
    assert!(matches!(refused, Err(Error::Duplicate { job_id, .. }) if job_id == first.id()));
    let texts = "select string_agg(job_data->>'text', ' ') from simple_queue.jobs";
    assert_eq!(database.value::<String>(texts).await, "b");
}

#[tokio::test]
async fn whatever_on_conflict_says_a_running_job_is_no_conflict() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for on_conflict in
        [OnConflict::Ignore, OnConflict::Replace, OnConflict::Reschedule, OnConflict::Error]
    {
        running(&database).await;
        let job = Latest::new("k", "a").on_conflict(on_conflict).enqueue(&queue).await.unwrap();
        assert!(job.is_new(), "{on_conflict:?}");
        database.execute("delete from simple_queue.jobs").await;
    }
}

#[tokio::test]
async fn the_declaration_of_the_new_job_decides() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let first = running(&database).await;
    let second = Only::new("k", "a").enqueue(&queue).await.unwrap();
    assert_eq!((second.id(), second.outcome()), (first, EnqueueOutcome::Duplicate));
    let second = Only::new("k", "a").unique_while(UniqueWhile::Pending).enqueue(&queue).await;
    assert!(second.unwrap().is_new());
}

#[tokio::test]
async fn a_job_that_lost_its_key_waits_without_one_when_it_runs_again() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    // It ran in a process that died.
    let first = running(&database).await;
    let second = Latest::new("k", "a").enqueue(&queue).await.unwrap();
    let worker = database.queue().await.start().await;
    let returned =
        format!("jobs where id = '{first}' and worker_id is null and unique_key is null");
    database.execute("update simple_queue.upkeep set done_at = 'epoch'").await;
    eventually("it waits again", async || database.count(&returned).await == 1).await;
    assert_eq!(Latest::find("k", &queue).await.unwrap().unwrap().id, second.id());
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_dead_letter_that_lost_its_key_is_retried_beside_the_job_that_has_it() {
    let working = working().await;
    let first = run(&working, Say::WaitForCancellation, "latest:k").await;
    let Working { database, queue, worker, .. } = working;
    assert!(Latest::new("k", "a").enqueue(&queue).await.unwrap().is_new());
    assert!(queue.cancel(first).await.unwrap());
    queue.wait(first, STOP).await.unwrap();
    assert_eq!(database.count("dead_letters where unique_key is null").await, 1);
    worker.shutdown(STOP).await;
    assert_eq!(queue.admin().as_actor("test").retry(first).await.unwrap(), Acted::Done);
    assert_eq!(database.count("jobs").await, 2);
}

#[tokio::test]
async fn a_takeover_that_is_rolled_back_leaves_the_key_with_the_running_job() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for commits in [false, true] {
        let first = running(&database).await;
        let mut tx = database.pool.begin().await.unwrap();
        let second = Latest::new("k", "a").enqueue(&mut tx).await.unwrap();
        assert!(second.is_new());
        let third = tokio::spawn({
            let queue = queue.clone();
            async move { Latest::new("k", "b").enqueue(&queue).await.unwrap() }
        });
        eventually("the third waits", async || is_waiting(&database).await).await;
        let has_key = "select id from simple_queue.jobs where unique_key = 'latest:k'";
        assert_eq!(database.value::<Uuid>(has_key).await, first);
        if commits {
            tx.commit().await.unwrap();
            let third = third.await.unwrap();
            assert_eq!((third.id(), third.is_new()), (second.id(), false));
        } else {
            tx.rollback().await.unwrap();
            assert!(third.await.unwrap().is_new());
        }
        database.execute("delete from simple_queue.jobs").await;
    }
}

#[tokio::test]
async fn the_end_of_a_run_waits_for_a_transaction_that_takes_its_key_and_others_do_not() {
    let working = working().await;
    let first = run(&working, Say::WaitForGate, "latest:k").await;
    let Working { database, queue, probe, worker } = working;
    let mut tx = database.pool.begin().await.unwrap();
    assert!(Latest::new("k", "a").enqueue(&mut tx).await.unwrap().is_new());
    probe.open_gate(1);
    let other = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    queue.wait(other, STOP).await.unwrap();
    assert_eq!(database.count("archive").await, 1);
    tx.commit().await.unwrap();
    queue.wait(first, STOP).await.unwrap();
    assert_eq!(database.count("archive").await, 2);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_running_job_enqueues_its_successor_under_its_own_key() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Chain, ChainInTx], ()).unwrap();
    let worker = queue.start().await;
    Chain::new(3).enqueue(&queue).await.unwrap();
    eventually("all four ran", async || database.count("archive").await == 4).await;
    // Its transaction takes the key and ends the job.
    ChainInTx::new(3).enqueue(&queue).await.unwrap();
    eventually("all four ran", async || database.count("archive").await == 8).await;
    assert_eq!(database.count("jobs").await, 0);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn of_many_that_meet_a_running_job_at_once_one_takes_its_key() {
    let database = TestDatabase::migrated().await;
    let queues = join_all((0..4).map(|_| database.queue())).await;
    running(&database).await;
    let enqueued = join_all((0..100).map(|n| {
        let queue = &queues[n % queues.len()];
        async move { Latest::new("k", n.to_string()).enqueue(queue).await.unwrap() }
    }))
    .await;
    assert_eq!(enqueued.iter().filter(|job| job.is_new()).count(), 1);
    assert_eq!(database.count("jobs").await, 2);
}

#[tokio::test]
async fn a_batch_takes_over_the_keys_of_running_jobs_and_of_no_others() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let jobs = database.job().kind("latest").set("unique_key", "'latest:' || n");
    jobs.running_nowhere().insert_many(100).await;
    let jobs = database.job().kind("latest").set("unique_key", "'latest:' || n + 100");
    jobs.insert_many(100).await;
    let jobs = (1..=300).map(|n| Latest::new(n.to_string(), "a"));
    let enqueued = Latest::enqueue_all(jobs, &queue).await.unwrap();
    let is_new: Vec<bool> = enqueued.iter().map(simple_queue::Enqueued::is_new).collect();
    assert!(is_new[..100].iter().chain(&is_new[200..]).all(|is_new| *is_new));
    assert!(is_new[100..200].iter().all(|is_new| !is_new));
    assert_eq!(
        database.count("jobs where worker_id is not null and unique_key is null").await,
        100
    );
}

#[tokio::test]
async fn a_key_that_is_kept_is_taken_over_when_its_time_is_over() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let first = Hourly::new("k", "a").enqueue(&queue).await.unwrap();
    database.change(first.id()).running_nowhere().write().await;
    let second = Hourly::new("k", "b").enqueue(&queue).await.unwrap();
    assert_eq!((second.id(), second.is_new()), (first.id(), false), "it is kept");
    database.execute("update simple_queue.kept_keys set kept_until = now()").await;
    assert!(Hourly::new("k", "b").enqueue(&queue).await.unwrap().is_new());
}

#[tokio::test]
async fn the_sql_function_takes_over_and_keeps_keys_and_refuses_what_makes_no_sense() {
    let database = TestDatabase::migrated().await;
    let call = |more: &str| {
        format!(
            "select outcome from simple_queue.enqueue('q', '', '1', unique_key => 'latest:k' {more})"
        )
    };
    running(&database).await;
    assert_eq!(database.value::<String>(&call("")).await, "duplicate");
    let takes_over = call(", unique_while => 'pending', unique_for => '1 h'");
    assert_eq!(database.value::<String>(&takes_over).await, "inserted");
    database.execute("delete from simple_queue.jobs").await;
    assert_eq!(database.value::<String>(&takes_over).await, "duplicate");
    for (more, expected) in [
        (", unique_for => '0'", "the unique_for \"00:00:00\" is refused: the limit is more than 0"),
        (", unique_for => '-1 h'", "the unique_for \"-01:00:00\" is refused"),
        (", unique_for => '3651 days'", "the unique_for \"3651 days\" is refused"),
        (
            ", unique_while => 'waiting'",
            "the unique_while \"waiting\" is refused: the limit is 'ru",
        ),
        (", unique_while => null", "the unique_while null is refused"),
    ] {
        let refused = sqlx::query(AssertSqlSafe(call(more))).execute(&database.pool).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let keyless = "select simple_queue.enqueue('q', '', '1', unique_for => '1 h')";
    let refused = sqlx::query(keyless).execute(&database.pool).await.unwrap_err().to_string();
    assert!(refused.contains("it needs a unique key"), "{refused}");
}

#[tokio::test]
async fn the_function_that_keeps_and_takes_over_keys_reads_no_table_whole() {
    const MANY: i64 = 20_000;
    let database = TestDatabase::migrated().await;
    let jobs = database.job().running_nowhere().set("unique_key", "'latest:' || n");
    jobs.insert_many(20_000).await;
    database
        .execute(
            "insert into simple_queue.kept_keys (unique_key, job_id, kept_until)
             select 'latest:' || n, gen_random_uuid(), now() + interval '1 h'
             from generate_series(10001, 30000) n",
        )
        .await;
    database.execute("analyze simple_queue.jobs, simple_queue.kept_keys").await;
    let read = "select sum(seq_tup_read)::bigint from pg_stat_user_tables where relname in ('jobs', 'kept_keys')";
    let before = database.value::<i64>(read).await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    // In one session, so that its plans become generic: free, taken by a job that runs, and kept.
    for key in [40_000, 5_000, 25_000].map(|first| first..first + 20).into_iter().flatten() {
        let job = Hourly::new(key.to_string(), "a").enqueue(&mut connection).await.unwrap();
        assert_eq!(job.is_new(), !(25_000..40_000).contains(&key), "{key}");
    }
    connection.close().await.unwrap();
    // A session reports what it read when it ends.
    let reported = "select sum(n_tup_ins)::bigint from pg_stat_user_tables where relname = 'jobs'";
    eventually("it is reported", async || database.value::<i64>(reported).await == MANY + 40).await;
    let read = database.value::<i64>(read).await - before;
    assert!(read < MANY, "{read} rows were read by scans of a whole table");
}
