//! Roles of the database have the rights that they need and no others.

use std::time::Duration;

use simple_queue::{Acted, EnqueueOutcome, Error, Job, OnConflict, Role, prelude::*};
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

/// The error of a statement that the database refuses.
async fn refusal(pool: &PgPool, sql: &str) -> String {
    let answer = sqlx::query(AssertSqlSafe(sql)).execute(pool).await;
    answer.map(|_| panic!("not refused: {sql}")).unwrap_err().to_string()
}

#[tokio::test]
async fn an_enqueuer_needs_the_functions_only_and_reads_nothing() {
    let database = TestDatabase::migrated().await;
    let enqueuer = database.granted("enqueuer", &[Role::Enqueuer]).await;
    let pool = PgPool::connect_with(enqueuer).await.unwrap();
    for (more, expected) in [
        ("", "inserted"),
        ("", "duplicate"),
        (", on_conflict => 'replace'", "replaced"),
        (", on_conflict => 'reschedule', run_at => now() + interval '1 h'", "rescheduled"),
    ] {
        let sql = format!(
            "select outcome from simple_queue.enqueue('q', '', '1', unique_key => 'k' {more})"
        );
        let outcome: String =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        assert_eq!(outcome, expected);
    }
    let error =
        "select simple_queue.enqueue('q', '', '1', unique_key => 'k', on_conflict => 'error')";
    assert!(refusal(&pool, error).await.contains("already"));
    for table in [
        "jobs",
        "archive",
        "dead_letters",
        "workers",
        "queues",
        "migrations",
        "kept_keys",
        "all_jobs",
        "jobs_overview",
    ] {
        let refused = refusal(&pool, &format!("select from simple_queue.{table}")).await;
        assert!(refused.contains("permission denied"), "{refused}");
    }
    for call in [
        "ensure_archive_partitions(7)",
        "drop_archive_day('2020-01-01')",
        "put(null, false, 'q', '', '1', null, 0, null, null, null, null, null, 1, null, 'ignore', null, null, null, 'running', null, null, null)",
    ] {
        let refused = refusal(&pool, &format!("select simple_queue.{call}")).await;
        assert!(refused.contains("permission denied for function"), "{refused}");
    }
}

#[tokio::test]
async fn a_worker_that_owns_nothing_finishes_jobs_over_every_change_of_day_and_drops_old_days() {
    let database = TestDatabase::migrated().await;
    let worker = database.granted("worker", &[Role::Worker]).await;
    let (queue, probe) = (TestDatabase::queue_as(worker).await, Probe::new());
    queue.register_handler(probe.clone());
    // As after a week without a worker: no day is there but an old one.
    database
        .execute(
            "do $$ declare day text; begin
                for day in select inhrelid::regclass::text from pg_inherits
                    where inhparent = 'simple_queue.archive'::regclass
                loop execute 'drop table ' || day; end loop;
            end $$",
        )
        .await;
    database
        .execute(
            "create table simple_queue.archive_20200101 partition of simple_queue.archive
             for values from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00')",
        )
        .await;
    let worker = queue.start().await;
    let finished = async |before: i64| {
        queue.insert_job(Probe::job(Say::Success)).await.unwrap();
        eventually("it is archived", async || database.count("archive").await == before + 1).await;
    };
    finished(0).await;
    let old = "select to_regclass('simple_queue.archive_20200101') is null";
    eventually("the old day is dropped", async || database.value::<bool>(old).await).await;
    // The day is over while the worker runs, and the next one is not there yet.
    let today = "select 'simple_queue.archive_' || to_char(now() at time zone 'utc', 'YYYYMMDD')";
    let today: String = database.value(today).await;
    database.execute(&format!("drop table {today}")).await;
    finished(0).await;
    finished(1).await;
    assert_eq!(database.count("jobs").await, 0);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_worker_cannot_drop_a_day_that_is_not_over() {
    let database = TestDatabase::migrated().await;
    let worker = database.granted("worker", &[Role::Worker]).await;
    let pool = PgPool::connect_with(worker).await.unwrap();
    for day in [
        "(now() at time zone 'utc')::date",
        "(now() at time zone 'utc')::date - 1",
        "'infinity'",
        "null",
    ] {
        let refused = refusal(&pool, &format!("select simple_queue.drop_archive_day({day})")).await;
        assert!(refused.contains("the limit is the day before yesterday"), "{refused}");
    }
    for days in ["-1", "367", "null"] {
        let refused =
            refusal(&pool, &format!("select simple_queue.ensure_archive_partitions({days})")).await;
        assert!(refused.contains("the limit is 0 to 366"), "{refused}");
    }
}

#[tokio::test]
async fn a_viewer_sees_which_jobs_there_are_and_nothing_of_what_is_in_them() {
    let database = TestDatabase::migrated().await;
    database
        .execute("select simple_queue.enqueue('q', '', '\"secret\"', unique_key => 'secret')")
        .await;
    let viewer = database.granted("viewer", &[Role::Viewer]).await;
    let pool = PgPool::connect_with(viewer).await.unwrap();
    let status = "select status from simple_queue.jobs_overview";
    let seen: String = sqlx::query_scalar(status).fetch_one(&pool).await.unwrap();
    assert_eq!(seen, "pending");
    for sql in [
        "select job_data from simple_queue.jobs",
        "select unique_key from simple_queue.jobs",
        "select result from simple_queue.archive",
        "select errors, reason from simple_queue.dead_letters",
        "select from simple_queue.all_jobs",
        "delete from simple_queue.jobs",
        "select simple_queue.enqueue('q', '', '1')",
    ] {
        assert!(refusal(&pool, sql).await.contains("permission denied"), "{sql}");
    }
}

#[tokio::test]
async fn row_level_security_holds_for_readers_of_the_views() {
    let database = TestDatabase::migrated().await;
    for queue in ["mine", "theirs"] {
        database.execute(&format!("select simple_queue.enqueue('{queue}', '', '1')")).await;
    }
    for sql in [
        "alter table simple_queue.jobs enable row level security",
        "create policy mine on simple_queue.jobs for select using (queue = 'mine')",
    ] {
        database.execute(sql).await;
    }
    for (role, view) in [(Role::Viewer, "jobs_overview"), (Role::Operator, "all_jobs")] {
        let reader = database.granted(view, &[role]).await;
        let pool = PgPool::connect_with(reader).await.unwrap();
        let sql = format!("select queue from simple_queue.{view}");
        let seen: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        assert_eq!(seen, ["mine"], "{view}");
    }
}

#[tokio::test]
async fn an_operator_cancels_retries_pauses_and_resumes() {
    let database = TestDatabase::migrated().await;
    let operator = database.granted("operator", &[Role::Operator]).await;
    let queue = TestDatabase::queue_as(operator).await;
    let job = Job::new("q", 1);
    let id = job.id;
    database.queue().await.insert_job(job).await.unwrap();
    assert!(queue.cancel(id).await.unwrap());
    assert_eq!(queue.admin().as_actor("test").retry(id).await.unwrap(), Acted::Done);
    assert_eq!(queue.status(id).await.unwrap(), simple_queue::JobStatus::Pending);
    queue.pause("q").await.unwrap();
    assert_eq!(queue.pauses().await.unwrap()[0].queue, "q");
    queue.resume("q").await.unwrap();
}

#[tokio::test]
async fn what_a_role_may_not_do_fails_with_what_it_needs_a_grant_on() {
    let database = TestDatabase::migrated().await;
    let worker = database.granted("worker", &[Role::Worker]).await;
    let queue = TestDatabase::queue_as(worker).await;
    let error = queue.pause("q").await.unwrap_err();
    assert!(
        matches!(&error, Error::MissingGrant { missing, .. } if missing == "table queues"),
        "{error}"
    );
    let stranger = database.granted("stranger", &[]).await;
    let queue = TestDatabase::queue_as(stranger).await;
    let error = queue.pauses().await.unwrap_err();
    assert!(error.to_string().contains("GRANT on schema simple_queue"), "{error}");
    assert!(error.to_string().contains("SimpleQueue::grants"), "{error}");
}

#[job(queue = "greetings")]
async fn greet(user_id: i64) {
    assert_ne!(user_id, 0);
}

#[tokio::test]
async fn the_calls_of_an_enqueuer_go_through_the_function() {
    let database = TestDatabase::migrated().await;
    let enqueuer = database.granted("enqueuer", &[Role::Enqueuer]).await;
    let queue = TestDatabase::queue_as(enqueuer).await;
    let hour = Duration::from_hours(1);
    let first = Greet::new(1)
        .delay(hour)
        .expires(hour)
        .priority(-5)
        .tags(["a", "b"])
        .unique_key("key")
        .timeout(hour)
        .metadata(serde_json::json!({"trace": 1}))
        .enqueue(&queue)
        .await
        .unwrap();
    let right = format!(
        "jobs where id = '{}' and run_at = created_at + interval '1 h' and expires_at = run_at + interval '1 h'
            and scheduled_at = run_at and priority = -5 and tags = '{{a,b}}' and unique_key = 'greet:key'
            and kind = 'greet' and job_data->>'user_id' = '1' and timeout = interval '1 h'
            and metadata->>'trace' = '1'",
        first.id()
    );
    assert_eq!(database.count(&right).await, 1);
    let again = async |on_conflict: OnConflict| {
        Greet::new(2).unique_key("key").on_conflict(on_conflict).enqueue(&queue).await
    };
    for (on_conflict, expected) in [
        (OnConflict::Ignore, EnqueueOutcome::Duplicate),
        (OnConflict::Replace, EnqueueOutcome::Replaced),
        (OnConflict::Reschedule, EnqueueOutcome::Rescheduled),
    ] {
        let met = again(on_conflict).await.unwrap();
        assert_eq!((met.id(), met.outcome()), (first.id(), expected));
    }
    let refused = again(OnConflict::Error).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Duplicate { unique_key, job_id, .. } if unique_key == "greet:key" && *job_id == first.id()),
        "{refused}"
    );
    // More than a call of the function takes, and at the same time.
    let many = Greet::enqueue_all((1..=2500).map(Greet::new), &queue).await.unwrap();
    assert_eq!(many.len(), 2500);
    let single = (1..=50).map(|n| {
        let queue = &queue;
        async move { Greet::new(n).enqueue(queue).await }
    });
    futures_util::future::try_join_all(single).await.unwrap();
    assert_eq!(database.count("jobs").await, 2551);
    let refused = queue.cancel(first.id()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::MissingGrant { missing, .. } if missing == "table jobs"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_enqueuer_enqueues_in_a_transaction_of_its_own() {
    let database = TestDatabase::migrated().await;
    let enqueuer = database.granted("enqueuer", &[Role::Enqueuer]).await;
    let queue = TestDatabase::queue_as(enqueuer).await;
    for (commits, expected) in [(false, 0), (true, 2)] {
        let mut tx = queue.pool().begin().await.unwrap();
        for user in [1, 2] {
            Greet::new(user).enqueue(queue.on(&mut tx)).await.unwrap();
        }
        if commits {
            tx.commit().await.unwrap();
        }
        assert_eq!(database.count("jobs").await, expected);
    }
}

#[tokio::test]
async fn a_worker_runs_what_an_enqueuer_puts_in() {
    let database = TestDatabase::migrated().await;
    let worker = database.granted("worker", &[Role::Worker]).await;
    let (queue, probe) = (TestDatabase::queue_as(worker).await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    let enqueuer = database.granted("enqueuer", &[Role::Enqueuer]).await;
    let client = TestDatabase::queue_as(enqueuer).await;
    for _ in 0..20 {
        client.insert_job(Probe::job(Say::Success)).await.unwrap();
    }
    eventually("all are archived", async || database.count("archive").await == 20).await;
    worker.shutdown(STOP).await;
}

#[job(queue = "q", unique(by = [], for = "1h", on_conflict = "error"))]
async fn hourly() {}

#[tokio::test]
async fn an_enqueuer_keeps_keys_too_and_only_workers_and_operators_free_them() {
    let database = TestDatabase::migrated().await;
    let enqueuer = database.granted("enqueuer", &[Role::Enqueuer]).await;
    let enqueuer = TestDatabase::queue_as(enqueuer).await;
    let first = Hourly::new().enqueue(&enqueuer).await.unwrap();
    database.execute("delete from simple_queue.jobs").await;
    let refused = Hourly::new().enqueue(&enqueuer).await.unwrap_err();
    assert!(
        matches!(refused, Error::Duplicate { job_id, .. } if job_id == first.id()),
        "{refused}"
    );
    let refused = Hourly::release_key(&enqueuer).await.unwrap_err();
    assert!(
        matches!(&refused, Error::MissingGrant { missing, .. } if missing == "table kept_keys"),
        "{refused}"
    );
    for (name, role) in [("worker", Role::Worker), ("operator", Role::Operator)] {
        let options = database.granted(name, &[role]).await;
        let queue = TestDatabase::queue_as(options).await;
        assert!(Hourly::find_kept_key(&queue).await.unwrap().is_some(), "{name}");
        assert!(Hourly::release_key(&queue).await.unwrap(), "{name}");
        Hourly::new().enqueue(&queue).await.unwrap();
        database.execute("delete from simple_queue.jobs").await;
    }
    let viewer = database.granted("viewer", &[Role::Viewer]).await;
    let viewer = PgPool::connect_with(viewer).await.unwrap();
    let refused = refusal(&viewer, "select from simple_queue.kept_keys").await;
    assert!(refused.contains("permission denied"), "{refused}");
}
