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
    assert_eq!(found, [("q".to_owned(), "renamed".to_owned())]);
}

#[tokio::test]
async fn exactly_the_queues_with_waiting_jobs_that_no_process_serves_are_found() {
    let database = TestDatabase::migrated().await;
    let enqueue = "select simple_queue.enqueue(queue, '', '{}', run_at => run_at)
        from (values ('served', null), ('lwo', null), ('paused', null), ('later', now() + '1 day'),
            ('young', null)) as jobs (queue, run_at)";
    database.execute(enqueue).await;
    database.queue().await.pause("paused").await.unwrap();
    let old = database.change_jobs().only("queue not in ('young', 'later')");
    old.due_since(Duration::from_mins(1)).write().await;
    database.process().set("queues", "'{served}'").insert().await;
    let sql = sqlx::AssertSqlSafe(text_of("list_unhandled_queues"));
    let found: Vec<(String, chrono::DateTime<Utc>)> =
        sqlx::query_as(sql).fetch_all(&database.pool).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|(queue, _)| queue).collect();
    assert_eq!(found, ["lwo"]);
}

#[tokio::test]
async fn a_worker_without_a_handler_logs_it_at_its_start() {
    let database = TestDatabase::migrated().await;
    let (log, _here) = Log::of_this_thread();
    let worker = database.queue().await.start().await;
    assert_eq!(log.count("no handler is registered"), 1);
    worker.shutdown(STOP).await;
}
