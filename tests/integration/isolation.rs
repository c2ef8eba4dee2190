//! What the database refuses for one row is refused for no other: claims, returns and redrives are divided.

use std::time::Duration;

use chrono::{DateTime, Utc};
use simple_queue::{DeadLetterFilter, SimpleQueue, WorkerHandle};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::support::{Probe, STOP, Said, Say, TestDatabase, eventually};

/// A database that refuses to update a job which says so, as it does one with a value that it cannot compute with.
async fn refusing() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "create function public.refuse() returns trigger language plpgsql as $$ begin
                if new.metadata @> '{\"is\": \"bad\"}' then
                    raise exception 'out of range' using errcode = '22003';
                end if;
                return new;
            end $$",
        )
        .await;
    refuse(&database, "update on simple_queue.jobs").await;
    database
}

async fn refuse(database: &TestDatabase, what: &str) {
    let name = what.replace(|c: char| !c.is_alphabetic(), "_");
    database
        .execute(&format!(
            "create trigger {name} before {what} for each row execute function public.refuse()"
        ))
        .await;
}

/// Inserts a bad job and so many others after it, with these columns; they are due since an hour.
async fn bad_and_others(database: &TestDatabase, others: i32, columns: &str, values: &str) {
    database
        .execute(&format!(
            "insert into simple_queue.jobs (id, queue, job_data, metadata, run_at{columns})
             select gen_random_uuid(), 'probe', '\"Success\"',
                case when n = 0 then '{{\"is\": \"bad\"}}' else '{{}}' end::jsonb,
                now() - interval '1 hour' + n * interval '1 ms'{values}
             from generate_series(0, {others}) n"
        ))
        .await;
}

/// The row of a process that is dead.
async fn dead_process(database: &TestDatabase) -> Uuid {
    database
        .value(
            "insert into simple_queue.workers (id, heartbeat_interval, heartbeat_at, pid, host, queues)
             values (gen_random_uuid(), '10 ms', now() - interval '1 day', 1, 'gone', '{probe}')
             returning id",
        )
        .await
}

async fn starts(database: &TestDatabase) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    (queue, worker)
}

const ASIDE: &str = "dead_letters where status = 'unprocessable' and metadata ->> 'is' = 'bad'
    and reason like '%out of range%'";

async fn one_is_aside_and_others_are_done(database: &TestDatabase, others: i64) {
    eventually("the others are done", async || database.count("archive").await == others).await;
    eventually("the bad one is aside", async || database.count(ASIDE).await == 1).await;
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_claimed_costs_one_job_also_where_no_floor_knows_its_priority() {
    for priority in [0, 7777] {
        let database = refusing().await;
        let (_queue, worker) = starts(&database).await;
        bad_and_others(&database, 20, ", priority", &format!(", {priority}")).await;
        one_is_aside_and_others_are_done(&database, 20).await;
        worker.shutdown(STOP).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_overtaken_and_cannot_be_claimed_costs_one_job() {
    let database = refusing().await;
    let (queue, worker) = starts(&database).await;
    // The floor is at the present from here on.
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    eventually("it is done", async || database.count("archive").await == 1).await;
    // What is due since before all times that are used is claimed by its id.
    database
        .execute(
            "insert into simple_queue.jobs (id, queue, job_data, metadata, run_at)
             select gen_random_uuid(), 'probe', '\"Success\"',
                case when n = 0 then '{\"is\": \"bad\"}' else '{}' end::jsonb, '4713-01-01 BC'
             from generate_series(0, 20) n",
        )
        .await;
    one_is_aside_and_others_are_done(&database, 21).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_that_cannot_be_claimed_holds_up_no_other() {
    let database = refusing().await;
    let held = ", '00000000-0000-0000-0000-000000000000', 2";
    bad_and_others(&database, 3, ", held, crash_count", held).await;
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
    bad_and_others(&database, 20, ", created_at", ", case when n > 0 then now() end").await;
    eventually("the others are done", async || database.count("archive").await == 20).await;
    let aside = "dead_letters where status = 'unprocessable' and created_at is null";
    eventually("the bad one is aside", async || database.count(aside).await == 1).await;
    assert_eq!(database.count("archive where crash_count = 0 and attempt = 1").await, 20);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_can_be_neither_claimed_nor_moved_holds_up_no_other() {
    let database = refusing().await;
    refuse(&database, "insert on simple_queue.dead_letters").await;
    let (_queue, worker) = starts(&database).await;
    bad_and_others(&database, 20, "", "").await;
    eventually("the others are done", async || database.count("archive").await == 20).await;
    bad_and_others(&database, 20, "", "").await;
    eventually("those after it too", async || database.count("archive").await == 40).await;
    assert_eq!(database.count("jobs where metadata ->> 'is' = 'bad'").await, 2);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_returned_costs_one_job_and_the_crash_counts_for_the_others() {
    let database = refusing().await;
    let (dead, other) = (dead_process(&database).await, dead_process(&database).await);
    bad_and_others(&database, 20, ", worker_id, attempt", &format!(", '{dead}', 1")).await;
    let of_other = format!(", case when n > 0 then '{other}'::uuid else gen_random_uuid() end, 1");
    bad_and_others(&database, 2, ", worker_id, attempt", &of_other).await;
    let ghost = Uuid::now_v7();
    bad_and_others(&database, 2, ", worker_id, attempt", &format!(", '{ghost}', 1")).await;
    let (_queue, worker) = starts(&database).await;
    eventually("the others are done", async || database.count("archive").await == 24).await;
    eventually("three are aside", async || database.count(ASIDE).await == 3).await;
    eventually("the dead are buried", async || database.count("workers").await == 1).await;
    assert_eq!(database.count("archive where crash_count = 1 and attempt = 1").await, 24);
    assert_eq!(database.count("jobs").await, 0);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_for_orphans_returns_all_but_the_one_that_cannot_be() {
    let database = refusing().await;
    // There is no process that is dead, so nothing else returns them.
    bad_and_others(&database, 20, ", worker_id, attempt", ", gen_random_uuid(), 1").await;
    let (_queue, worker) = starts(&database).await;
    one_is_aside_and_others_are_done(&database, 20).await;
    assert_eq!(database.count("archive where crash_count = 1 and attempt = 1").await, 20);
    let done = "upkeep where task = 'orphans' and done_at > now() - interval '1 min'";
    eventually("the look is over", async || database.count(done).await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_its_own_process_does_not_know_of_and_cannot_return_costs_one_job() {
    let database = refusing().await;
    let (_queue, worker) = starts(&database).await;
    let of_worker = ", (select id from simple_queue.workers), 1, 1, now() - interval '6 min'";
    bad_and_others(&database, 20, ", worker_id, lease, attempt, updated_at", of_worker).await;
    one_is_aside_and_others_are_done(&database, 20).await;
    assert_eq!(database.count("archive where crash_count = 0 and attempt = 1").await, 20);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_comes_back_while_its_jobs_are_returned_apart_keeps_the_others() {
    let database = TestDatabase::migrated().await;
    let dead = dead_process(&database).await;
    // The bad job is refused at once when all are returned together, and then waits at a gate first.
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
    bad_and_others(&database, 1, ", worker_id, attempt", &format!(", '{dead}', 1")).await;
    // They are returned in the order of their ids.
    database
        .execute(&format!(
            "update simple_queue.jobs set id = '{}' where metadata ->> 'is' = 'bad'",
            Uuid::nil()
        ))
        .await;
    refuse(&database, "update on simple_queue.jobs").await;
    let mut gate = database.pool.begin().await.unwrap();
    sqlx::query("select from public.gate for update").execute(&mut *gate).await.unwrap();
    // Serves nothing, so it only returns them.
    let worker = database.queue().await.start().await;
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    eventually("a job is returned apart", async || database.value::<i64>(waits).await == 1).await;
    let mut alive = PgConnection::connect(&database.url).await.unwrap();
    let beat = tokio::spawn(async move {
        // It comes next, before whoever asks for a row after it.
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
    assert_eq!(database.count(&format!("jobs where worker_id = '{dead}' and lease = 0")).await, 2);
    assert_eq!(database.count("dead_letters").await, 0);
    assert_eq!(before, database.value::<i64>("select last_value from public.refusals").await);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_cannot_be_put_back_stays_dead_and_holds_up_no_other() {
    let database = refusing().await;
    let queue = database.queue().await;
    let dead_letter = |metadata: &str, more: i32, keep_until: &str| {
        format!(
            "insert into simple_queue.dead_letters
                (id, lease, created_at, finished_at, attempt, reprocess_count, crash_count, version,
                 priority, status, queue, kind, reason, job_data, metadata, keep_until)
             select gen_random_uuid(), 1, now(), now(), 1, 0, 0, 1, 0, 'failed', 'q', '', 'test', '{{}}',
                '{metadata}', {keep_until}
             from generate_series(1, {more}) n"
        )
    };
    database.execute(&dead_letter("{}", 10, "null")).await;
    // Without an end: what is kept for ever has no length.
    database.execute(&dead_letter("{}", 1, "'infinity'")).await;
    database.execute(&dead_letter("{}", 1, "'-infinity'")).await;
    database.execute(&dead_letter(r#"{"is": "bad"}"#, 1, "null")).await;
    refuse(&database, "insert on simple_queue.jobs").await;
    let bad: Uuid = database
        .value("select id from simple_queue.dead_letters where metadata ->> 'is' = 'bad'")
        .await;
    let redriven = queue.redrive_all(DeadLetterFilter::all()).await.unwrap();
    assert_eq!((redriven.redriven, redriven.still_dead), (12, vec![bad]));
    assert_eq!(database.count("jobs").await, 12);
    let refused = queue.redrive(bad).await.unwrap_err().to_string();
    assert!(refused.contains("out of range"), "{refused}");
}

#[tokio::test]
async fn what_is_refused_is_said_with_the_databases_words_and_the_way_out() {
    let database = refusing().await;
    let (said, _guard) = Said::here();
    let (_queue, worker) = starts(&database).await;
    bad_and_others(&database, 1, "", "").await;
    one_is_aside_and_others_are_done(&database, 1).await;
    worker.shutdown(STOP).await;
    assert_eq!(
        said.count("it could not be claimed: the job was moved to the dead letters; mend it"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_not_even_the_dead_letters_take_is_tried_now_and_then_and_holds_up_no_other() {
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
    database
        .execute(
            "insert into simple_queue.jobs (id, queue, job_data, metadata, max_attempts)
             values (gen_random_uuid(), 'probe', '\"Critical\"', '{\"is\": \"bad\"}', 1)",
        )
        .await;
    let (queue, worker) = starts(&database).await;
    let refusals = "select last_value from public.refusals";
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
