//! The file with which a doctor compares the tables, and what it may not look at. `simple-queue-cli/tests/program/doctor.rs`
//! makes each trouble.

use std::{fs, path::Path};

use serde_json::Value;
use simple_queue::{Check, Role, Severity, SimpleQueue};
use sqlx::{AssertSqlSafe, Executor};

use crate::{statements::text_of, support::TestDatabase};

/// The environment variable under which the file is written anew.
const UPDATE: &str = "UPDATE_SCHEMA";

#[tokio::test]
async fn the_file_of_the_tables_is_what_a_migration_makes() {
    let database = TestDatabase::migrated().await;
    let described: Value = database.value(&text_of("describe_schema")).await;
    let described = serde_json::to_string_pretty(&described).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("simple-queue/src/store/schema.json");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&file, &described).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap();
    assert!(
        there == described,
        "{} is not what the migrations make; `{UPDATE}=1 cargo test --test integration the_file_of_the_tables` writes it",
        file.display()
    );
}

/// The findings of a check that are not well.
async fn troubles(queue: &SimpleQueue, check: Check) -> Vec<(Severity, String)> {
    let findings = queue.admin().doctor().only(check).await.unwrap();
    let bad = findings.into_iter().filter(|finding| finding.severity != Severity::Ok);
    bad.map(|finding| (finding.severity, finding.found)).collect()
}

#[tokio::test]
async fn the_tables_are_compared_whatever_the_schema_is_called() {
    let database = TestDatabase::empty().await;
    let order = SimpleQueue::builder(&database.pool).schema("order").build().unwrap();
    assert_eq!(troubles(&order, Check::Drift).await[0].1, "there is no schema `order`");
    order.migrate().await.unwrap();
    assert_eq!(troubles(&order, Check::Drift).await, []);
    assert_eq!(troubles(&order, Check::Migrations).await, []);
    database.execute("drop index \"order\".jobs_gate").await;
    let findings = order.admin().doctor().only(Check::Drift).await.unwrap();
    let remedy = findings[0].remedy.as_ref().unwrap().to_string();
    assert!(remedy.contains("ON \"order\".jobs"), "{remedy}");
    database.execute(remedy.trim_end_matches(';')).await;
    assert_eq!(troubles(&order, Check::Drift).await, []);
}

#[tokio::test]
async fn the_statements_of_a_migration_are_all_that_is_needed_and_are_recorded() {
    let database = TestDatabase::empty().await;
    let queue = SimpleQueue::builder(&database.pool).schema("jobs_of_shop").build().unwrap();
    let pending = queue.pending_migrations().await.unwrap();
    assert_eq!(pending, queue.all_migrations());
    let all: String = pending.iter().map(|part| part.sql.as_str()).collect();
    let mut transaction = database.pool.begin().await.unwrap();
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(all))).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(queue.pending_migrations().await.unwrap(), []);
    for check in [Check::Drift, Check::Migrations, Check::Partitions] {
        assert_eq!(troubles(&queue, check).await, []);
    }
    // A release that differs in its functions only.
    database
        .execute("update jobs_of_shop.migrations set release = '0.0.1' where name = 'functions'")
        .await;
    let pending = queue.pending_migrations().await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].name, pending[0].replaces.as_deref()), ("functions", Some("0.0.1")));
    assert!(!pending[0].sql.contains("create schema"));
    queue.migrate().await.unwrap();
    assert_eq!(troubles(&queue, Check::Migrations).await, []);
}

#[tokio::test]
async fn a_role_without_rights_is_told_what_it_lacks_and_the_other_checks_go_on() {
    let database = TestDatabase::migrated().await;
    let stranger = database.granted("stranger", &[]).await;
    let queue = TestDatabase::queue_as(stranger).await;
    let findings = queue.admin().doctor().await.unwrap();
    for check in Check::ALL {
        assert!(findings.iter().any(|finding| finding.check == check), "{check}");
    }
    let denied: Vec<Check> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::NotAllowed)
        .map(|finding| finding.check)
        .collect();
    for check in [Check::Server, Check::Migrations, Check::Workers, Check::Waiting, Check::Upkeep] {
        assert!(denied.contains(&check), "{check}: {findings:#?}");
    }
    let clock = findings.iter().find(|finding| finding.check == Check::Clock).unwrap();
    assert_eq!(clock.severity, Severity::Ok);
}

#[tokio::test]
async fn an_operator_may_look_at_everything_of_the_queue() {
    let database = TestDatabase::migrated().await;
    let operator = database.granted("operator", &[Role::Operator]).await;
    let queue = TestDatabase::queue_as(operator).await;
    let findings = queue.admin().doctor().await.unwrap();
    let denied = findings.iter().filter(|finding| finding.severity == Severity::NotAllowed);
    // What other roles do is the server's to show.
    let denied: Vec<Check> = denied.map(|finding| finding.check).collect();
    assert!(denied.iter().all(|check| *check == Check::Horizon), "{findings:#?}");
}
