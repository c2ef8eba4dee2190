//! A row that the database refuses fails alone: claims, returns and acts on many jobs are divided.

use std::time::Duration;

use chrono::{DateTime, Utc};
use simple_queue::{JobFilter, Why};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::support::{
    Log, New, Probe, Rows, STOP, Say, TestDatabase, eventually, refuse, refusing, starts,
};

/// Jobs that have been due for an hour, of which the first is bad.
fn first_is_bad(database: &TestDatabase) -> Rows<'_, New> {
    database
        .job()
        .set("metadata", "case when n = 1 then '{\"is\": \"bad\"}' else '{}' end::jsonb")
        .set("run_at", "now() - interval '1 hour' + n * interval '1 ms'")
}

const ASIDE: &str = "dead_letters where status = 'unprocessable' and metadata ->> 'is' = 'bad'
    and reason like '%out of range%'";

async fn one_is_aside_and_others_are_done(database: &TestDatabase, others: i64) {
    eventually("the others are done", async || database.count("archive").await == others).await;
    eventually("the bad one is aside", async || database.count(ASIDE).await == 1).await;
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_claimed_costs_one_job_in_priorities_with_and_without_a_floor() {
    for priority in [0, 7777] {
        let database = refusing(&["update on simple_queue.jobs"]).await;
        let (_queue, worker) = starts(&database).await;
        first_is_bad(&database).priority(priority).insert_many(21).await;
        one_is_aside_and_others_are_done(&database, 20).await;
        worker.shutdown(STOP).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_overtaken_and_cannot_be_claimed_costs_one_job() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    let (queue, worker) = starts(&database).await;
    // From here on the floor is at the present.
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    eventually("it is done", async || database.count("archive").await == 1).await;
    // A job that was due before every time in use is claimed by its id.
    first_is_bad(&database).set("run_at", "'4713-01-01 BC'").insert_many(21).await;
    one_is_aside_and_others_are_done(&database, 21).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_that_cannot_be_claimed_holds_up_no_other() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    first_is_bad(&database).suspect().insert_many(4).await;
    let (_queue, worker) = starts(&database).await;
    one_is_aside_and_others_are_done(&database, 3).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_claimed_and_cannot_be_read_costs_one_job() {
    let database = TestDatabase::migrated().await;
    for table in ["jobs", "dead_letters"] {
        database
            .execute(&format!(
                "alter table simple_queue.{table} alter column created_at drop not null"
            ))
            .await;
    }
    let (_queue, worker) = starts(&database).await;
    first_is_bad(&database)
        .set("created_at", "case when n > 1 then now() end")
        .insert_many(21)
        .await;
    eventually("the others are done", async || database.count("archive").await == 20).await;
    let aside = "dead_letters where status = 'unprocessable' and created_at is null";
    eventually("the bad one is aside", async || database.count(aside).await == 1).await;
    assert_eq!(database.count("archive where crash_count = 0 and attempt = 1").await, 20);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_can_be_neither_claimed_nor_moved_holds_up_no_other() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    refuse(&database, "insert on simple_queue.dead_letters").await;
    let (_queue, worker) = starts(&database).await;
    first_is_bad(&database).insert_many(21).await;
    eventually("the others are done", async || database.count("archive").await == 20).await;
    first_is_bad(&database).insert_many(21).await;
    eventually("those after it too", async || database.count("archive").await == 40).await;
    assert_eq!(database.count("jobs where metadata ->> 'is' = 'bad'").await, 2);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_returned_costs_one_job_and_the_crash_counts_for_the_others() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    let (dead, other) = (database.dead_process().await, database.dead_process().await);
    first_is_bad(&database).running_on(dead).insert_many(21).await;
    let of_other = format!("case when n > 1 then '{other}'::uuid else gen_random_uuid() end");
    first_is_bad(&database).running_on(other).set("worker_id", of_other).insert_many(3).await;
    first_is_bad(&database).running_on(Uuid::now_v7()).insert_many(3).await;
    let (_queue, worker) = starts(&database).await;
    eventually("the others are done", async || database.count("archive").await == 24).await;
    eventually("three are aside", async || database.count(ASIDE).await == 3).await;
    eventually("the rows of the dead are deleted", async || database.count("workers").await == 1)
        .await;
    assert_eq!(database.count("archive where crash_count = 1 and attempt = 1").await, 24);
    assert_eq!(database.count("jobs").await, 0);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_for_orphans_returns_all_but_the_one_that_cannot_be_returned() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    // No dead process has a row, so nothing else returns them.
    first_is_bad(&database).running_nowhere().insert_many(21).await;
    let (_queue, worker) = starts(&database).await;
    one_is_aside_and_others_are_done(&database, 20).await;
    assert_eq!(database.count("archive where crash_count = 1 and attempt = 1").await, 20);
    let done = "upkeep where task = 'orphans' and done_at > now() - interval '1 min'";
    eventually("the look is over", async || database.count(done).await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_its_own_process_does_not_know_of_and_cannot_return_costs_one_job() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    let (_queue, worker) = starts(&database).await;
    let of_worker = first_is_bad(&database).running_on(database.only_process().await);
    of_worker.set("updated_at", "now() - interval '6 min'").insert_many(21).await;
    one_is_aside_and_others_are_done(&database, 20).await;
    assert_eq!(database.count("archive where crash_count = 0 and attempt = 1").await, 20);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_comes_back_while_its_jobs_are_returned_apart_keeps_the_others() {
    let database = TestDatabase::migrated().await;
    let dead = database.dead_process().await;
    // The bad job is refused at once when all are returned together, and waits at a gate when it is returned alone.
    for sql in [
        "create table public.gate (n integer)",
        "insert into public.gate values (1)",
        "create sequence public.refusals",
        "create function public.refuse() returns trigger language plpgsql as $$ begin
            if new.metadata @> '{\"is\": \"bad\"}' then
                if nextval('public.refusals') > 2 then perform from public.gate for update; end if;
                raise exception 'out of range' using errcode = '22003';
            end if;
            return new;
        end $$",
    ] {
        database.execute(sql).await;
    }
    let grants = "grant all on public.gate to public; grant all on public.refusals to public";
    sqlx::raw_sql(grants).execute(&database.pool).await.unwrap();
    // They are returned in the order of their ids.
    let ids = format!("case when n = 1 then '{}' else gen_random_uuid() end", Uuid::nil());
    first_is_bad(&database).running_on(dead).set("id", ids).insert_many(2).await;
    refuse(&database, "update on simple_queue.jobs").await;
    let mut gate = database.pool.begin().await.unwrap();
    sqlx::query("select from public.gate for update").execute(&mut *gate).await.unwrap();
    // This worker serves no queue, so it only returns the jobs.
    let worker = database.queue().await.start().await;
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    eventually("a job is returned apart", async || database.value::<i64>(waits).await == 1).await;
    let mut alive = PgConnection::connect(&database.url).await.unwrap();
    let beat = tokio::spawn(async move {
        // The table lock is granted before any row lock that is requested after it.
        let beat = "begin; lock table simple_queue.workers in exclusive mode;
            update simple_queue.workers set heartbeat_at = now(), heartbeat_interval = '1 hour'
            where host = 'gone'; commit";
        sqlx::raw_sql(beat).execute(&mut alive).await.unwrap();
    });
    eventually("it beats again", async || database.value::<i64>(waits).await >= 2).await;
    gate.rollback().await.unwrap();
    beat.await.unwrap();
    let before: i64 = database.value("select last_value from public.refusals").await;
    let looked = "select heartbeat_at from simple_queue.workers where host <> 'gone'";
    let first: DateTime<Utc> = database.value(looked).await;
    eventually("the others have looked for ten more times", async || {
        database.value::<DateTime<Utc>>(looked).await > first + Duration::from_secs(2)
    })
    .await;
    assert_eq!(database.count(&format!("jobs where worker_id = '{dead}' and lease = 1")).await, 2);
    assert_eq!(database.count("dead_letters").await, 0);
    assert_eq!(before, database.value::<i64>("select last_value from public.refusals").await);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_cannot_be_put_back_stays_dead_and_holds_up_no_other() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    let queue = database.queue().await;
    database.dead_letter().insert_many(10).await;
    // A dead letter that is kept for ever has no time to keep.
    for keep_until in ["'infinity'", "'-infinity'"] {
        database.dead_letter().set("keep_until", keep_until).insert().await;
    }
    let bad = database.dead_letter().set("metadata", r#"'{"is": "bad"}'"#).insert().await;
    refuse(&database, "insert on simple_queue.jobs").await;
    let admin = queue.admin().as_actor("test");
    let retried = admin.select(JobFilter::dead()).retry().await.unwrap();
    assert_eq!((retried.done, retried.left), (12, vec![(bad, Why::Refused)]));
    assert_eq!(database.count("jobs").await, 12);
    let refused = admin.retry(bad).await.unwrap_err().to_string();
    assert!(refused.contains("out of range"), "{refused}");
}

#[tokio::test]
async fn a_refusal_is_logged_with_the_databases_message_and_the_fix() {
    let database = refusing(&["update on simple_queue.jobs"]).await;
    let (log, _guard) = Log::of_this_thread();
    let (_queue, worker) = starts(&database).await;
    first_is_bad(&database).insert_many(2).await;
    one_is_aside_and_others_are_done(&database, 1).await;
    worker.shutdown(STOP).await;
    assert_eq!(
        log.count("it could not be claimed: the job was moved to the dead letters; mend it"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_no_table_takes_is_tried_again_slowly_and_holds_up_no_other() {
    let database = TestDatabase::migrated().await;
    for sql in [
        "create sequence public.refusals",
        "grant all on public.refusals to public",
        "create function public.refuse() returns trigger language plpgsql as $$ begin
            if new.metadata @> '{\"is\": \"bad\"}' then
                perform nextval('public.refusals');
                raise exception 'too large' using errcode = 'program_limit_exceeded';
            end if;
            return new;
        end $$",
    ] {
        database.execute(sql).await;
    }
    refuse(&database, "insert on simple_queue.dead_letters").await;
    let critical = database.job().payload(Say::Critical).max_attempts(1);
    critical.set("metadata", r#"'{"is": "bad"}'"#).insert().await;
    let (queue, worker) = starts(&database).await;
    let refusals = "select case when is_called then last_value else 0 end from public.refusals";
    let runs = async || {
        let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
        queue.wait(id, STOP).await.unwrap();
        database.value::<i64>(refusals).await
    };
    // It becomes a critical failure then, which is tried at once.
    eventually("it was refused often enough", async || runs().await > 3).await;
    for _ in 0..20 {
        let refused = runs().await;
        assert!(refused <= 5, "it is tried again and again: {refused} times");
    }
    assert_eq!(database.count("jobs where metadata ->> 'is' = 'bad'").await, 1);
    database.execute("drop function public.refuse cascade").await;
    let written = "dead_letters where status = 'critical_failure'";
    eventually("it is written", async || database.count(written).await == 1).await;
    worker.shutdown(STOP).await;
}
