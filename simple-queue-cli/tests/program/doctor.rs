//! Each trouble is made, found, and repaired by what is printed.

use std::time::Duration;

use crate::{
    support::{Ran, psql, run, run_without_database},
    troubles::{By, TROUBLES, Trouble},
};
use simple_queue::{
    Check, Finding, Remedy, SimpleQueue,
    embedded::EmbeddedPostgres,
    sqlx::{self, AssertSqlSafe, Connection, PgConnection, Row},
};

/// A server as one has it, and not as tests like it.
async fn server() -> EmbeddedPostgres {
    let builder = EmbeddedPostgres::builder()
        .setting("fsync", "on")
        .setting("full_page_writes", "on")
        .setting("synchronous_commit", "on")
        .setting("max_prepared_transactions", "5")
        .setting("wal_level", "logical");
    builder.start().await.unwrap()
}

struct Place {
    _server: EmbeddedPostgres,
    url: String,
}

impl Place {
    async fn new() -> Self {
        let server = server().await;
        let url = server.url().to_owned();
        SimpleQueue::connect(&url).await.unwrap().migrate().await.unwrap();
        Self { _server: server, url }
    }

    /// A session that may write whatever the database's default.
    async fn session(&self) -> PgConnection {
        let mut session = PgConnection::connect(&self.url).await.unwrap();
        execute(&mut session, "set default_transaction_read_only = off").await;
        session
    }

    async fn execute(&self, statements: &[&str]) {
        let mut session = self.session().await;
        for statement in statements {
            execute(&mut session, statement).await;
        }
        session.close().await.unwrap();
    }

    /// What a doctor without patience says, of a pool of its own.
    async fn look(&self, check: Check) -> Vec<Finding> {
        let queue = SimpleQueue::connect(&self.url).await.unwrap();
        let findings = queue.admin().doctor().only(check).patience(Duration::ZERO).await.unwrap();
        queue.pool().close().await;
        findings
    }

    async fn find(&self, trouble: &Trouble) -> Option<Finding> {
        let findings = self.look(trouble.check).await;
        findings.into_iter().find(|finding| finding.found.contains(trouble.found))
    }
}

async fn execute(session: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(session)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// The statements of a remedy, each to be sent by itself. A function has statements inside.
fn statements(remedy: &Remedy) -> Vec<&str> {
    let Remedy::Sql(text) = remedy else { panic!("it is no statement: {remedy}") };
    if text.contains("$$") { vec![text] } else { text.split(";\n").collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_is_found_and_what_is_printed_repairs_it() {
    let place = Place::new().await;
    for trouble in TROUBLES {
        assert!(place.find(trouble).await.is_none(), "{} is there before", trouble.found);
        place.execute(trouble.make).await;
        let Some(finding) = place.find(trouble).await else {
            panic!("{} is not found: {:#?}", trouble.found, place.look(trouble.check).await);
        };
        assert_eq!(finding.severity, trouble.severity, "{finding:#?}");
        let remedy = finding.remedy.as_ref().unwrap_or_else(|| panic!("{finding:#?}"));
        match trouble.repaired_by {
            By::ItsStatement => place.execute(&statements(remedy)).await,
            By::Hand("migrate") => {
                assert_eq!(*remedy, Remedy::Command("simple-queue migrate".to_owned()));
                assert_eq!(run(&place.url, &["migrate"]).code, 0);
            }
            By::Hand(statement) => {
                assert!(!matches!(remedy, Remedy::Sql(_)), "it has a statement: {remedy}");
                place.execute(&[statement]).await;
            }
        }
        let after = place.find(trouble).await;
        assert!(after.is_none(), "it is not repaired by {remedy}: {after:#?}");
    }
    // Nothing of the troubles is left.
    let clean = run(&place.url, &["doctor", "--strict"]);
    assert_eq!(clean.code, 0, "{}", clean.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_snapshot_is_named_and_can_be_ended() {
    let place = Place::new().await;
    let mut holder =
        PgConnection::connect(&format!("{}&application_name=report", place.url)).await.unwrap();
    execute(&mut holder, "begin isolation level repeatable read").await;
    let pid: i32 =
        sqlx::query("select pg_backend_pid()").fetch_one(&mut holder).await.unwrap().get(0);
    let Ran { code, out, .. } = run(&place.url, &["doctor"]);
    assert_eq!(code, 0, "it is young: {out}");
    let Ran { code, out, .. } = run(&place.url, &["doctor", "--patience", "0s"]);
    assert_eq!(code, 3);
    let line = format!(
        "✗ horizon       the session {pid} of postgres (report) has been in its transaction"
    );
    assert!(out.contains(&line), "{out}");
    let remedy = format!("    select pg_terminate_backend({pid});\n");
    assert!(out.contains(&remedy), "{out}");
    place.execute(&[remedy.trim()]).await;
    let ended = sqlx::query("select 1").execute(&mut holder).await;
    assert!(ended.is_err(), "the session is ended");
    assert_eq!(run(&place.url, &["doctor", "--patience", "0s"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_and_the_form_are_those_that_were_asked_for() {
    let place = Place::new().await;
    let good = run(&place.url, &["doctor"]);
    assert_eq!(good.code, 0, "{}", good.out);
    let marks: Vec<&str> = good.out.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(marks, ["✓"; 17], "{}", good.out);

    place.execute(&["create index by_tag on simple_queue.jobs using gin (tags)"]).await;
    assert_eq!(run(&place.url, &["doctor"]).code, 0, "a warning only");
    assert_eq!(run(&place.url, &["doctor", "--strict"]).code, 3);
    place.execute(&["alter table simple_queue.jobs reset (fillfactor)"]).await;
    let wrong = run(&place.url, &["doctor", "--json"]);
    assert_eq!(wrong.code, 3);
    let findings: Vec<serde_json::Value> =
        wrong.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(findings.len(), 18, "{}", wrong.out);
    let drift = findings.iter().find(|it| it["severity"] == "wrong").unwrap();
    assert_eq!(drift["check"], "drift");
    assert_eq!(drift["remedy"]["sql"], "alter table \"simple_queue\".jobs set (fillfactor = 45)");

    let diff = run(&place.url, &["schema", "diff"]);
    assert_eq!(
        (diff.code, diff.out.lines().filter(|line| line.contains(" drift ")).count()),
        (3, 2),
        "{}",
        diff.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_of_a_migration_make_a_database_without_troubles() {
    let server = server().await;
    let url = server.url();
    let listed = run(url, &["migrate", "--dry-run"]);
    assert_eq!((listed.code, listed.out.as_str()), (0, "0001_tables\t\nfunctions\t\n"));
    let sql = run(url, &["migrate", "--sql"]);
    assert_eq!(sql.code, 0, "{}", sql.err);
    assert_eq!(run_without_database(&["migrate", "--sql"]).out, sql.out);
    psql(url, &sql.out);
    let doctor = run(url, &["doctor", "--strict"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert_eq!(run(url, &["migrate", "--dry-run"]).out, "");
    assert_eq!(run(url, &["migrate", "--sql"]).out, "");
    assert_eq!(run(url, &["migrate", "--sql", "--all"]).out, sql.out);

    let other = run(url, &["--schema", "order", "migrate", "--sql"]);
    psql(url, &other.out);
    let doctor = run(url, &["--schema", "order", "doctor", "--strict"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
}
