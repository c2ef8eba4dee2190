//! Making the tables.

use futures_util::future::{join_all, try_join_all};
use simple_queue::{Error, SimpleQueue};
use sqlx::AssertSqlSafe;

use crate::support::TestDatabase;

#[tokio::test]
async fn many_processes_may_migrate_at_once_and_again() {
    let database = TestDatabase::empty().await;
    let queues = join_all((0..8).map(|_| database.queue())).await;
    for _ in 0..2 {
        try_join_all(queues.iter().map(SimpleQueue::migrate)).await.unwrap();
    }
    let applied = "select count(*) from simple_queue.migrations where success";
    assert_eq!(database.value::<i64>(applied).await, 2);
    // Those of this database; other tests migrate theirs meanwhile.
    let locks = "select count(*) from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(database.value::<i64>(locks).await, 0);
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
            "insert into simple_queue.migrations (version, description, success, checksum, execution_time)
             values (99, 'of a newer release', true, '', 0)",
        )
        .await;
    database.queue().await.migrate().await.unwrap();
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
