//! Sessions of the database: how they are opened, how they are set up, and which errors they cause.

use std::{str::FromStr as _, time::Duration};

use simple_queue::{Acted, Error, JobFilter, SimpleQueue, prelude::*};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

#[job(queue = "q", unique = "{key}")]
async fn keyed(key: String) {
    drop(key);
}

#[job(queue = "q")]
async fn plain(n: i64) {
    let _ = n;
}

/// A queue with eight idle connections in its pool, as after a burst.
async fn after_a_burst(database: &TestDatabase) -> SimpleQueue {
    let queue = SimpleQueue::connect(&database.url).await.unwrap();
    for _ in 0..2 {
        // The connections of the queue beside the pool are open, too.
        Plain::new(0).enqueue(&queue).await.unwrap();
        queue.pauses().await.unwrap();
    }
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(queue.pool().acquire().await.unwrap());
    }
    drop(held);
    eventually("they are idle", async || queue.pool().num_idle() >= 8).await;
    queue
}

/// Ends every session of the database but those of the test.
async fn cut(database: &TestDatabase, queue: &SimpleQueue) {
    let end = "select coalesce(array_agg(pid) filter (where pg_terminate_backend(pid)), '{}') from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    // All are ended at once: a wait for each takes 0.1 s.
    let ended: Vec<i32> = database.value(end).await;
    let left =
        format!("select count(*) from pg_stat_activity where pid = any(array{ended:?}::integer[])");
    eventually("they have ended", async || database.value::<i64>(&left).await == 0).await;
    assert!(queue.pool().num_idle() > 0, "the pool does not know it yet");
}

#[tokio::test]
async fn every_call_survives_that_all_connections_were_cut() {
    let database = TestDatabase::migrated().await;
    let dead = Probe::job(Say::Success);
    {
        let queue = database.queue().await;
        queue.insert_job(dead.clone()).await.unwrap();
        queue.cancel(dead.id).await.unwrap();
    }
    macro_rules! survives {
        ($($call:expr),* $(,)?) => { $({
            let queue = after_a_burst(&database).await;
            cut(&database, &queue).await;
            let call: fn(SimpleQueue, uuid::Uuid) -> _ = $call;
            call(queue, dead.id).await.unwrap_or_else(|error: Error| panic!("{}: {error}", stringify!($call)));
        })* };
    }
    survives!(
        |queue, _| async move { Plain::new(1).enqueue(&queue).await.map(drop) },
        |queue, _| async move { Plain::new(1).enqueue(queue.pool()).await.map(drop) },
        |queue, _| async move { Keyed::new("a").enqueue(&queue).await.map(drop) },
        |queue, _| async move { Keyed::new("b").enqueue(queue.pool()).await.map(drop) },
        |queue, _| async move { Plain::enqueue_all((0..3).map(Plain::new), &queue).await.map(drop) },
        |queue, _| async move { Keyed::find("a", &queue).await.map(|found| assert!(found.is_some())) },
        |queue, _| async move {
            Keyed::find("a", queue.pool()).await.map(|found| assert!(found.is_some()))
        },
        |queue, _| async move {
            Keyed::cancel("a", queue.pool()).await.map(|was_live| assert!(was_live))
        },
        |queue, _| async move { Keyed::cancel("b", &queue).await.map(|was_live| assert!(was_live)) },
        |queue, _| async move { queue.pause("other").await },
        |queue, _| async move { queue.resume("other").await },
        |queue, dead| async move { queue.status(dead).await.map(drop) },
        |queue, dead| async move {
            queue
                .admin()
                .as_actor("test")
                .retry(dead)
                .await
                .map(|acted| assert_eq!(acted, Acted::Done))
        },
        |queue, dead| async move { queue.cancel(dead).await.map(|was_live| assert!(was_live)) },
        |queue, _| async move {
            queue.admin().as_actor("test").select(JobFilter::dead()).retry().await.map(drop)
        },
        |queue, _| async move { queue.admin().find(&JobFilter::any()).await.map(drop) },
    );
}

#[tokio::test]
async fn every_session_is_set_as_its_statements_need_it_whatever_the_databases_defaults_are() {
    let database = TestDatabase::migrated().await;
    for sql in [
        "create table seen (what text, settings text)",
        "create function see() returns trigger language plpgsql as $$ begin
            insert into public.seen values (tg_op || ' ' || coalesce(new.kind, ''), concat_ws('; ',
                current_setting('transaction_isolation'), current_setting('search_path'),
                current_setting('row_security'), current_setting('statement_timeout') <> '0'));
            return new; end $$",
        "create trigger see after insert or update on simple_queue.jobs
            for each row execute function public.see()",
        "do $$ begin execute format(
            'alter database %I set default_transaction_isolation = serializable', current_database()
        ); end $$",
    ] {
        database.execute(sql).await;
    }
    // A pool that was opened before has the old default.
    let queue = TestDatabase::queue_at(&database.url).await;
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    Plain::new(1).enqueue(&queue).await.unwrap();
    Plain::new(2).enqueue(queue.pool()).await.unwrap();
    Plain::enqueue_all((0..3).map(Plain::new), &queue).await.unwrap();
    Keyed::new("a").enqueue(&queue).await.unwrap();
    Keyed::new("b").enqueue(queue.pool()).await.unwrap();
    Keyed::enqueue_all(["a", "b", "c"].map(Keyed::new), queue.pool()).await.unwrap();
    let job =
        queue.insert_job(Probe::job(Say::Failed).with_max_attempts(2)).await.unwrap().unwrap();
    eventually("it has failed twice", async || queue.status(job).await.unwrap().is_final()).await;
    worker.shutdown(STOP).await;
    let seen = "select array_agg(distinct settings) from seen";
    let expected = "read committed; pg_catalog, pg_temp; off; t";
    assert_eq!(database.value::<Vec<String>>(seen).await, [expected]);
    assert!(database.value::<i64>("select count(*) from seen").await > 10);
}

#[tokio::test]
async fn transactions_that_return_jobs_in_lent_sessions_have_the_usual_settings() {
    let database = TestDatabase::migrated().await;
    for sql in [
        "create table seen (settings text)",
        "create function see() returns trigger language plpgsql as $$ begin
            if old.worker_id is not null and new.worker_id is null then
                insert into public.seen values (concat_ws('; ',
                    current_setting('transaction_isolation'), current_setting('search_path'),
                    current_setting('row_security'), current_setting('statement_timeout') <> '0',
                    current_setting('lock_timeout') <> '0',
                    current_setting('idle_in_transaction_session_timeout') <> '0'));
            end if;
            return new; end $$",
        "create trigger see after update on simple_queue.jobs for each row execute function public.see()",
        "do $$ begin execute format(
            'alter database %I set default_transaction_isolation = serializable', current_database()
        ); end $$",
    ] {
        database.execute(sql).await;
    }
    database.job().running_on(database.dead_process().await).insert().await;
    let as_behind_a_pooler =
        || async { database.queue().await.with_direct_url(&database.url).unwrap() };
    let worker = as_behind_a_pooler().await.start().await;
    let returned = "jobs where worker_id is null and crash_count = 1";
    eventually("a dead process's is back", async || database.count(returned).await == 1).await;
    worker.shutdown(STOP).await;
    database.change_jobs().running_nowhere().write().await;
    database.execute("update simple_queue.upkeep set done_at = 'epoch'").await;
    let worker = as_behind_a_pooler().await.start().await;
    let returned = "jobs where worker_id is null and crash_count = 2";
    eventually("an orphan is back", async || database.count(returned).await == 1).await;
    worker.shutdown(STOP).await;
    let seen = "select array_agg(settings) from seen";
    let expected = "read committed; pg_catalog, pg_temp; off; t; t; t";
    assert_eq!(database.value::<Vec<String>>(seen).await, [expected, expected]);
}

#[tokio::test]
async fn conflicts_of_transactions_are_tried_again_by_every_call() {
    let database = TestDatabase::migrated().await;
    for sql in [
        "create sequence tries",
        "create function stumble() returns trigger language plpgsql as $$ begin
            if nextval('public.tries') % 3 <> 0 then
                raise exception 'could not serialize access' using errcode = 'serialization_failure';
            end if;
            return coalesce(new, old); end $$",
    ] {
        database.execute(sql).await;
    }
    // One trigger for each call: a statement that met two would never pass both.
    for table in
        ["insert or delete on simple_queue.jobs", "insert or update on simple_queue.queues"]
    {
        let trigger = format!(
            "create trigger stumble before {table}
            for each row execute function public.stumble()"
        );
        database.execute(&trigger).await;
    }
    let queue = database.queue().await;
    let id = Keyed::new("a").enqueue(&queue).await.unwrap().id();
    Keyed::new("b").enqueue(queue.pool()).await.unwrap();
    Plain::new(1).enqueue(&queue).await.unwrap();
    assert!(queue.cancel(id).await.unwrap());
    assert_eq!(queue.admin().as_actor("test").retry(id).await.unwrap(), Acted::Done);
    queue.pause("q").await.unwrap();
    queue.resume("q").await.unwrap();
    assert_eq!(database.count("jobs").await, 3);
}

#[tokio::test]
async fn policies_that_hide_rows_cause_an_error() {
    let database = TestDatabase::migrated().await;
    database.queue().await.pause("q").await.unwrap();
    let role = format!("r_{}", uuid::Uuid::now_v7().simple());
    for sql in [
        format!("create role {role} login password 'secret'"),
        format!("grant usage on schema simple_queue to {role}"),
        format!("grant all on all tables in schema simple_queue to {role}"),
        "alter table simple_queue.queues enable row level security".to_owned(),
    ] {
        database.execute(&sql).await;
    }
    let options = PgConnectOptions::from_str(&database.url).unwrap();
    let options = options.username(&role).password("secret");
    let pool = PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let error = SimpleQueue::new(pool).pauses().await.unwrap_err().to_string();
    assert!(error.contains("row-level security"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_at_once_with_the_reason() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("postgres://app:secret@{address}/app");
    let connected = tokio::time::timeout(Duration::from_secs(5), SimpleQueue::connect(&url)).await;
    let error = connected.expect("it is said at once").unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_transient());
    let said = error.to_string();
    assert!(said.contains(&address.to_string()) && said.contains("refused"), "{said}");
    assert!(!said.contains("secret") && !format!("{error:?}").contains("secret"), "{error:?}");

    let database = TestDatabase::empty().await;
    let (server, _) = database.url.rsplit_once('/').unwrap();
    let error = SimpleQueue::connect(&format!("{server}/nowhere")).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("database \"nowhere\" does not exist (SQLSTATE 3D000)"), "{said}");
    assert!(!error.is_transient());

    // One server of several is enough.
    let both = database.url.replace('@', &format!("@{address},"));
    SimpleQueue::connect(&both).await.unwrap();
    let error = SimpleQueue::connect(&format!("postgres://app@{address},{address}1/app")).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::InvalidUrl { .. }), "{error}");
}

#[tokio::test]
async fn an_error_of_the_database_is_passed_on_with_its_detail_and_hint() {
    let database = TestDatabase::migrated().await;
    for sql in [
        "create function refuse() returns trigger language plpgsql as $$ begin
            raise exception 'not today' using detail = 'It is Sunday.', hint = 'Come back tomorrow.',
                errcode = 'XX123';
            end $$",
        "create trigger refuse before insert on simple_queue.jobs
            for each row execute function public.refuse()",
    ] {
        database.execute(sql).await;
    }
    let queue = database.queue().await;
    let expected = "the database failed to enqueue: not today; detail: It is Sunday.; \
        hint: Come back tomorrow. (SQLSTATE XX123)";
    for error in [
        Plain::new(1).enqueue(&queue).await.unwrap_err(),
        Keyed::new("a").enqueue(&queue).await.unwrap_err(),
        Plain::new(1).enqueue(queue.pool()).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}
