//! Migrations of the schema.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use simple_queue::{Error, SimpleQueue};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{Log, TestDatabase, eventually};

/// The body of a function that each release has.
const BODY: &str = "select prosrc from pg_proc where oid = 'simple_queue.refuse'::regproc";

/// Another body for it, as another release might have.
const OTHER: &str =
    "create or replace function simple_queue.refuse(what text, value text, problem text)
    returns void language plpgsql immutable as 'begin end'";

#[tokio::test]
async fn many_processes_may_migrate_at_once_and_again() {
    let database = TestDatabase::empty().await;
    let queues = join_all((0..8).map(|_| database.queue())).await;
    for _ in 0..2 {
        try_join_all(queues.iter().map(SimpleQueue::migrate)).await.unwrap();
    }
    assert_eq!(database.count("migrations").await, 2);
}

#[tokio::test]
async fn the_applications_own_migrations_are_not_touched() {
    let database = TestDatabase::empty().await;
    database
        .execute(
            "create table _sqlx_migrations (version bigint primary key, description text not null)",
        )
        .await;
    database.execute("insert into _sqlx_migrations values (1, 'the application''s own')").await;
    database.queue().await.migrate().await.unwrap();
    assert_eq!(database.value::<i64>("select count(*) from _sqlx_migrations").await, 1);
}

#[tokio::test]
async fn two_schemas_of_one_database_are_two_queues() {
    let database = TestDatabase::empty().await;
    for schema in ["blue", "order"] {
        let queue = database.queue().await.with_schema(schema).unwrap();
        queue.migrate().await.unwrap();
        queue.insert_job(simple_queue::Job::new("q", 1)).await.unwrap();
    }
    assert_eq!(database.value::<i64>("select count(*) from blue.jobs").await, 1);
    assert_eq!(database.value::<i64>("select count(*) from \"order\".all_jobs").await, 1);
    assert_eq!(
        database
            .value::<i64>("select count(*) from pg_namespace where nspname = 'simple_queue'")
            .await,
        0
    );
    let refused = database.queue().await.with_schema("no; drop table x").unwrap_err();
    assert!(matches!(refused, Error::InvalidSchema { .. }));
}

#[tokio::test]
async fn a_migration_that_fails_says_why_and_leaves_no_lock() {
    let database = TestDatabase::empty().await;
    database.execute("create schema simple_queue").await;
    database.execute("create table simple_queue.jobs (id int)").await;
    let error = database.queue().await.migrate().await.unwrap_err();
    assert!(matches!(error, Error::Migrate { .. }), "{error}");
    assert!(error.to_string().contains("simple_queue"), "{error}");
    database.execute("drop table simple_queue.jobs").await;
    database.queue().await.migrate().await.unwrap();
}

#[tokio::test]
async fn an_older_release_tolerates_what_a_newer_one_added() {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "insert into simple_queue.migrations (name, release, checksum)
             values ('9999_of_a_newer_release', '99.0.0', 1)",
        )
        .await;
    database.owner().await.migrate().await.unwrap();
}

#[tokio::test]
async fn functions_of_an_older_release_are_replaced_and_those_of_a_newer_one_left() {
    let database = TestDatabase::migrated().await;
    let ours: String = database.value(BODY).await;
    for (release, replaced) in [("0.0.9", true), ("99.0.0", false), ("0.0.10-rc.1", true)] {
        database
            .execute(&format!(
                "update simple_queue.migrations set release = '{release}', checksum = 1 where name = 'functions'"
            ))
            .await;
        database.execute(OTHER).await;
        database.owner().await.migrate().await.unwrap();
        assert_eq!(database.value::<String>(BODY).await == ours, replaced, "{release}");
    }
}

#[tokio::test]
async fn functions_of_another_build_of_this_release_are_replaced_once() {
    let database = TestDatabase::migrated().await;
    let ours: String = database.value(BODY).await;
    database
        .execute("update simple_queue.migrations set checksum = 1 where name = 'functions'")
        .await;
    for replaced in [true, false] {
        database.execute(OTHER).await;
        database.owner().await.migrate().await.unwrap();
        assert_eq!(database.value::<String>(BODY).await == ours, replaced);
    }
}

#[tokio::test]
async fn tables_of_another_build_of_this_release_are_refused() {
    let database = TestDatabase::migrated().await;
    database
        .execute("update simple_queue.migrations set checksum = 1 where name <> 'functions'")
        .await;
    let error = database.owner().await.migrate().await.unwrap_err();
    assert!(matches!(error, Error::OtherTables { .. }), "{error}");
    assert!(error.to_string().contains("`0001_tables`"), "{error}");
}

/// A session of another program, which holds a lock until it is dropped.
async fn holder(database: &TestDatabase, holds: &str) -> PgConnection {
    let options = database.pool.connect_options().as_ref().clone().application_name("the holder");
    let mut holder = PgConnection::connect_with(&options).await.unwrap();
    for sql in ["begin", holds] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut holder).await.unwrap();
    }
    holder
}

#[tokio::test]
async fn a_migration_with_nothing_to_do_waits_for_no_lock() {
    let database = TestDatabase::migrated().await;
    let _holder = holder(
        &database,
        "lock table simple_queue.migrations, simple_queue.jobs, simple_queue.archive in exclusive mode",
    )
    .await;
    database.owner().await.migrate().await.unwrap();
}

#[tokio::test]
async fn advisory_locks_of_other_programs_hold_up_no_migration() {
    let database = TestDatabase::empty().await;
    // The numbers that the driver's own migrations lock for this database, and that are made of names of the library.
    let name: String = database.value("select current_database()::text").await;
    let number = 0x3d32_ad9e * i64::from(crc32(name.as_bytes()));
    let _holder = holder(
        &database,
        &format!(
            "select pg_advisory_lock({number}),
                pg_advisory_lock(hashtextextended('\"simple_queue\".ensure_archive_partitions', 0))"
        ),
    )
    .await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_millis(100));
    tokio::time::timeout(Duration::from_secs(20), queue.migrate()).await.unwrap().unwrap();
}

/// As the driver computes it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[tokio::test]
async fn a_held_up_migration_logs_the_holder_and_goes_on_whatever_the_settings_of_its_role() {
    let database = TestDatabase::migrated().await;
    database
        .execute("update simple_queue.migrations set release = '0.0.1' where name = 'functions'")
        .await;
    let (user, name): (String, String) = (
        database.value("select current_user::text").await,
        database.value("select current_database()::text").await,
    );
    let holds = "lock table simple_queue.migrations in access exclusive mode";
    let mut holder = holder(&database, holds).await;
    for setting in ["statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"] {
        database
            .execute(&format!("alter role {user} in database {name} set {setting} = '20ms'"))
            .await;
    }
    let (log, _guard) = Log::of_this_thread();
    let queue = database.owner().await;
    let migrating = tokio::spawn({
        let queue = queue.clone();
        async move { queue.migrate().await }
    });
    let pid: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
    eventually("it says by whom", async || {
        log.count("held up") > 0 && log.count("the holder") > 0 && log.count(&pid.to_string()) > 0
    })
    .await;
    sqlx::raw_sql("rollback").execute(&mut holder).await.unwrap();
    migrating.await.unwrap().unwrap();
}

#[tokio::test]
async fn statements_behind_a_held_up_migration_do_not_wait_as_long_as_it() {
    let database = TestDatabase::migrated().await;
    database
        .execute("update simple_queue.migrations set release = '0.0.1' where name = 'functions'")
        .await;
    // A migration that needs a table for itself.
    for sql in [
        "create function lock_jobs() returns event_trigger language plpgsql as
            'begin lock table simple_queue.jobs in access exclusive mode; end'",
        "create event trigger lock_jobs on ddl_command_start when tag in ('CREATE FUNCTION')
            execute function public.lock_jobs()",
    ] {
        database.execute(sql).await;
    }
    let mut reader = holder(&database, "lock table simple_queue.jobs in access share mode").await;
    let (log, _guard) = Log::of_this_thread();
    let queue = database.owner().await;
    let migrating = tokio::spawn({
        let queue = queue.clone();
        async move { queue.migrate().await }
    });
    while log.count("held up") < 3 {
        let begun = Instant::now();
        queue.insert_job(simple_queue::Job::new("q", 1)).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    sqlx::raw_sql("rollback").execute(&mut reader).await.unwrap();
    migrating.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_migration_that_is_held_up_for_too_long_names_the_holder_in_its_error() {
    let database = TestDatabase::migrated().await;
    database
        .execute("update simple_queue.migrations set release = '0.0.1' where name = 'functions'")
        .await;
    let _holder =
        holder(&database, "lock table simple_queue.migrations in row exclusive mode").await;
    let queue = database.owner().await.with_statement_timeout(Duration::from_millis(100));
    let error = queue.migrate().await.unwrap_err();
    assert!(matches!(error, Error::MigrationHeldUp { .. }), "{error}");
    assert!(error.to_string().contains("the holder"), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_worker_or_a_call_on_a_schema_that_is_missing_or_too_old_says_what_to_run() {
    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    let (log, _guard) = Log::of_this_thread();
    let says_so = |error: Error| {
        assert!(matches!(error, Error::NotMigrated { .. }), "{error}");
        assert!(error.to_string().contains("`SimpleQueue::migrate`"), "{error}");
    };
    let error = queue.insert_job(simple_queue::Job::new("q", 1)).await.unwrap_err();
    says_so(*error.downcast().unwrap());
    says_so(queue.pause("q").await.unwrap_err());
    let starting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.start().await }
    });
    eventually("the worker says it", async || log.count("run `SimpleQueue::migrate`") > 0).await;
    queue.migrate().await.unwrap();
    let worker = starting.await.unwrap();
    worker.shutdown(crate::support::STOP).await;
    // As in a schema of an older release.
    database.execute("alter table simple_queue.jobs drop column retain").await;
    let error = queue.insert_job(simple_queue::Job::new("q", 1)).await.unwrap_err();
    says_so(*error.downcast().unwrap());
    database.execute("drop function simple_queue.ensure_archive_partitions").await;
    let before = log.count("run `SimpleQueue::migrate`");
    let worker = database.queue().await.start().await;
    eventually("it is said", async || log.count("run `SimpleQueue::migrate`") > before).await;
    worker.shutdown(crate::support::STOP).await;
}

#[tokio::test]
async fn a_schema_of_another_owner_is_refused_with_the_names_of_both() {
    let database = TestDatabase::empty().await;
    let stranger = database.role("stranger").await;
    database.execute(&format!("create schema simple_queue authorization {stranger}")).await;
    let error = database.queue().await.migrate().await.unwrap_err();
    let user: String = database.value("select current_user::text").await;
    assert!(matches!(error, Error::ForeignSchema { .. }), "{error}");
    for name in [&stranger, &user] {
        assert!(error.to_string().contains(name.as_str()), "{error}");
    }
    assert_eq!(
        database
            .value::<i64>(
                "select count(*) from pg_class where relnamespace = 'simple_queue'::regnamespace"
            )
            .await,
        0
    );
}

#[tokio::test]
async fn a_database_that_is_not_in_utf_8_is_refused_with_a_sentence() {
    let database = TestDatabase::empty().await;
    let name: String = database.value("select current_database() || '_latin1'").await;
    database
        .execute(&format!(
            "create database {name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
        ))
        .await;
    let options = database.pool.connect_options().as_ref().clone().database(&name);
    let pool = sqlx::PgPool::connect_with(options).await.unwrap();
    let error = SimpleQueue::new(pool).migrate().await.unwrap_err();
    assert!(matches!(error, Error::NotUtf8 { .. }), "{error}");
    assert!(error.to_string().contains("LATIN1"), "{error}");
}

#[tokio::test]
async fn migrating_works_in_a_task_of_its_own() {
    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    tokio::spawn(async move { queue.migrate().await }).await.unwrap().unwrap();
}

#[tokio::test]
async fn every_table_and_column_says_what_it_is_for() {
    let database = TestDatabase::migrated().await;
    let silent: Vec<String> = sqlx::query_scalar(AssertSqlSafe(
        "select c.relname || '.' || coalesce(a.attname, '*')
         from pg_class c
         left join lateral (
             select attname, attnum from pg_attribute where attrelid = c.oid and attnum > 0
             union all select null, 0
         ) a on c.relkind <> 'v' or a.attnum = 0
         where c.relnamespace = 'simple_queue'::regnamespace and c.relkind in ('r', 'p', 'v')
             and not c.relispartition and c.relname <> 'migrations'
             and col_description(c.oid, a.attnum) is null and obj_description(c.oid) is not null = (a.attnum = 0)
             and (a.attnum > 0 or obj_description(c.oid) is null)",
    ))
    .fetch_all(&database.pool)
    .await
    .unwrap();
    assert_eq!(silent, Vec::<String>::new());
}

#[tokio::test]
async fn a_direct_url_of_several_servers_is_refused_rather_than_read_in_part() {
    let queue = TestDatabase::empty().await.queue().await;
    let error = queue.with_direct_url("postgres://app@one:1,two:2/app").unwrap_err();
    assert!(error.to_string().contains("names one server, not 2"), "{error}");
}
