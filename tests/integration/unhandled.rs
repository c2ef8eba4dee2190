//! Jobs that no worker will run are found and logged.

use std::time::Duration;

use chrono::Utc;

use crate::{
    statements::text_of,
    support::{Log, STOP, TestDatabase},
};

#[tokio::test]
async fn exactly_the_waiting_kinds_that_this_process_does_not_run_are_found() {
    let database = TestDatabase::migrated().await;
    let enqueue = "select simple_queue.enqueue(queue, kind, '{}', priority => priority)
        from (values ('q', 'served', 0), ('q', 'renamed', 0), ('q', 'renamed', 5), ('q', 'young', 0),
            ('paused', 'renamed', 0), ('other', 'renamed', 0)) as jobs (queue, kind, priority)";
    database.execute(enqueue).await;
    database.queue().await.pause("paused").await.unwrap();
    // Jobs with a key are in no fetch index.
    let keys = "with job as (
            insert into simple_queue.jobs (id, queue, kind, job_data, gate)
            select gen_random_uuid(), 'q', kind, '{}', 'key:q/' || kind || '#1'
            from (values ('served'), ('keyed'), ('paused')) as jobs (kind) returning gate
        )
        insert into simple_queue.turns (rule, gate, due_at)
        select split_part(gate, '#', 1), gate, case when gate like '%keyed%' then now() - interval '1 min' end from job";
    database.execute(keys).await;
    database.execute("update simple_queue.jobs set queue = 'paused' where kind = 'paused'").await;
    let old = database.change_jobs().only("kind <> 'young'");
    old.due_since(Duration::from_mins(2)).write().await;
    let sql = sqlx::AssertSqlSafe(text_of("list_unhandled_kinds"));
    let asked = serde_json::json!([
        { "queue": "q", "kinds": ["served"] },
        { "queue": "paused", "kinds": ["served"] },
    ]);
    let found: Vec<(String, String, chrono::DateTime<Utc>)> =
        sqlx::query_as(sql).bind(asked).fetch_all(&database.pool).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|(queue, kind, _)| (queue, kind)).collect();
    let named = |kind: &str| ("q".to_owned(), kind.to_owned());
    assert_eq!(found, [named("keyed"), named("renamed")]);
}

#[tokio::test]
async fn exactly_the_queues_with_waiting_jobs_that_no_process_serves_are_found() {
    let database = TestDatabase::migrated().await;
    let enqueue = "select simple_queue.enqueue(queue, '', '{}', run_at => run_at)
        from (values ('served', null), ('lwo', null), ('paused', null), ('later', now() + '1 day'),
            ('young', null)) as jobs (queue, run_at)";
    database.execute(enqueue).await;
    database.queue().await.pause("paused").await.unwrap();
    let key = "with job as (
            insert into simple_queue.jobs (id, queue, kind, job_data, gate)
            values (gen_random_uuid(), 'own', 'k', '{}', 'order:own/k#1') returning gate
        )
        insert into simple_queue.turns (rule, gate) select split_part(gate, '#', 1), gate from job";
    database.execute(key).await;
    let old = database.change_jobs().only("queue not in ('young', 'later')");
    old.due_since(Duration::from_mins(1)).write().await;
    database.process().set("queues", "'{served}'").insert().await;
    let sql = sqlx::AssertSqlSafe(text_of("list_unhandled_queues"));
    let found: Vec<(String, chrono::DateTime<Utc>)> =
        sqlx::query_as(sql).fetch_all(&database.pool).await.unwrap();
    let mut found: Vec<_> = found.into_iter().map(|(queue, _)| queue).collect();
    found.sort();
    assert_eq!(found, ["lwo", "own"]);
}

#[tokio::test]
async fn a_worker_without_a_handler_logs_it_at_its_start() {
    let database = TestDatabase::migrated().await;
    let (log, _here) = Log::of_this_thread();
    let worker = database.queue().await.start().await;
    assert_eq!(log.count("no handler is registered"), 1);
    worker.shutdown(STOP).await;
}
