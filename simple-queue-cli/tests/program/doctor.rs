//! Each trouble is made, found, and repaired by what is printed.

use std::time::Duration;

use crate::support::{Ran, psql, run, run_without_database};
use simple_queue::{
    Check, Finding, Remedy, Severity, SimpleQueue,
    embedded::EmbeddedPostgres,
    sqlx::{self, AssertSqlSafe, Connection, PgConnection, Row},
};

/// What is made, and what is then found of it.
struct Trouble {
    /// Statements, each sent by itself.
    make: &'static [&'static str],
    check: Check,
    severity: Severity,
    /// A part of what is said.
    found: &'static str,
    repaired_by: By,
}

enum By {
    /// The statement that is printed.
    ItsStatement,
    /// This statement: what is printed is a command or an advice.
    Hand(&'static str),
}

use By::{Hand, ItsStatement};
use Severity::{Warning, Wrong};

const fn trouble(
    make: &'static [&'static str],
    check: Check,
    severity: Severity,
    found: &'static str,
    repaired_by: By,
) -> Trouble {
    Trouble { make, check, severity, found, repaired_by }
}

/// A process that has worked for an hour and promises no heartbeat within a day.
const PROCESS: &str = "insert into simple_queue.workers (id, heartbeat_interval, started_at, pid, host, queues)
    values ('00000000-0000-0000-0000-000000000001', '1 day', now() - interval '1 hour', 1, 'here', '{served}')";
const JOB: &str = "insert into simple_queue.jobs (id, queue, kind, job_data, run_at)
    values (gen_random_uuid(), 'served', 'lost', '{}', now() - interval '1 hour')";
const NOTHING: &str = "truncate simple_queue.jobs, simple_queue.workers, simple_queue.queues, simple_queue.stats, \
    simple_queue.dead_letters, simple_queue.kinds";

const TROUBLES: &[Trouble] = &[
    trouble(&["drop index simple_queue.jobs_fetch"], Check::Drift, Wrong, "`jobs_fetch` of `jobs` is missing", ItsStatement),
    trouble(
        &[
            "drop index simple_queue.jobs_fetch",
            "create index jobs_fetch on simple_queue.jobs (queue, run_at)",
        ],
        Check::Drift,
        Wrong,
        "`jobs_fetch` of `jobs` is another one",
        ItsStatement,
    ),
    trouble(
        &[
            "set allow_system_table_mods = on",
            "update pg_index set indisvalid = false where indexrelid = 'simple_queue.jobs_fetch'::regclass",
        ],
        Check::Drift,
        Wrong,
        "`jobs_fetch` of `jobs` is invalid",
        ItsStatement,
    ),
    trouble(
        &["create index by_tag on simple_queue.jobs using gin (tags)"],
        Check::Drift,
        Warning,
        "`by_tag` of `jobs` is none of this release",
        ItsStatement,
    ),
    trouble(&["alter table simple_queue.jobs reset (fillfactor)"], Check::Drift, Wrong, "`fillfactor` of `jobs` is not set", ItsStatement),
    trouble(
        &["alter table simple_queue.jobs set (autovacuum_vacuum_threshold = 7)"],
        Check::Drift,
        Warning,
        "`autovacuum_vacuum_threshold` of `jobs` is 7",
        ItsStatement,
    ),
    trouble(
        &["alter table simple_queue.jobs set (autovacuum_enabled = off)"],
        Check::Drift,
        Wrong,
        "`autovacuum_enabled` of `jobs` is off",
        ItsStatement,
    ),
    trouble(&["alter table simple_queue.limits drop column late_at"], Check::Drift, Wrong, "`late_at` of `limits` is missing", ItsStatement),
    trouble(
        &["alter table simple_queue.workers alter column pid type bigint"],
        Check::Drift,
        Wrong,
        "`pid` of `workers` is of type bigint instead of integer",
        ItsStatement,
    ),
    trouble(
        &["alter table simple_queue.jobs alter column priority drop default"],
        Check::Drift,
        Wrong,
        "`priority` of `jobs` has another default",
        ItsStatement,
    ),
    trouble(
        &["alter table simple_queue.queues alter column updated_at drop not null"],
        Check::Drift,
        Wrong,
        "`updated_at` of `queues` accepts null",
        ItsStatement,
    ),
    trouble(
        &["alter table simple_queue.dead_letters drop column error_key"],
        Check::Drift,
        Wrong,
        "`error_key` of `dead_letters` is missing",
        ItsStatement,
    ),
    trouble(
        &["alter table simple_queue.jobs add column mine integer", "alter table simple_queue.jobs alter column mine set not null"],
        Check::Drift,
        Wrong,
        "`mine` of `jobs` is none of this release and refuses null",
        ItsStatement,
    ),
    trouble(
        &["alter table simple_queue.jobs drop constraint run_at_is_finite"],
        Check::Drift,
        Wrong,
        "`run_at_is_finite` of `jobs` is missing",
        ItsStatement,
    ),
    trouble(&["alter table simple_queue.stats set unlogged"], Check::Drift, Wrong, "`stats` is unlogged", ItsStatement),
    trouble(&["drop table simple_queue.audit"], Check::Drift, Wrong, "the table `audit` is missing", ItsStatement),
    trouble(&["drop view simple_queue.jobs_overview"], Check::Drift, Wrong, "the view `jobs_overview` is missing", ItsStatement),
    trouble(
        &["alter view simple_queue.all_jobs reset (security_invoker)"],
        Check::Drift,
        Warning,
        "the view `all_jobs` is not that of this release",
        ItsStatement,
    ),
    trouble(&["drop function simple_queue.check_tags(text[])"], Check::Drift, Wrong, "the function `check_tags` is missing", ItsStatement),
    trouble(
        &["create or replace function simple_queue.check_tags(tags text[]) returns void
            language plpgsql immutable set search_path = pg_catalog, pg_temp as 'begin end'"],
        Check::Drift,
        Wrong,
        "the function `check_tags` is not that of this release",
        ItsStatement,
    ),
    trouble(
        &["alter function simple_queue.check_tags(text[]) reset search_path"],
        Check::Drift,
        Wrong,
        "the function `check_tags` is not that of this release",
        ItsStatement,
    ),
    trouble(
        &["do $$ begin execute 'drop table simple_queue.' || simple_queue.name_of_day((now() at time zone 'utc')::date + 1); end $$"],
        Check::Partitions,
        Wrong,
        "days of the archive are missing",
        ItsStatement,
    ),
    trouble(
        &["do $$ begin execute 'drop table simple_queue.' || simple_queue.name_of_day((now() at time zone 'utc')::date + 7); end $$"],
        Check::Partitions,
        Warning,
        "days of the archive are missing",
        ItsStatement,
    ),
    trouble(
        &["create table simple_queue.archive_20990101 (id integer)"],
        Check::Partitions,
        Wrong,
        "the table `archive_20990101` has the name of a day",
        ItsStatement,
    ),
    trouble(
        &[
            "do $$ begin execute 'create table simple_queue.archive_20200101 partition of simple_queue.archive
                for values from (''2020-01-01 00:00+00'') to (''2020-01-02 00:00+00'')'; end $$",
            "set allow_system_table_mods = on",
            "update pg_inherits set inhdetachpending = true where inhrelid = 'simple_queue.archive_20200101'::regclass",
        ],
        Check::Partitions,
        Wrong,
        "the day `archive_20200101` of the archive is half detached",
        ItsStatement,
    ),
    trouble(&["begin", "insert into simple_queue.queues (name) values ('a')", "prepare transaction 'left'"], Check::Horizon, Wrong, "the transaction `left`", ItsStatement),
    trouble(
        &["select pg_create_physical_replication_slot('unused')"],
        Check::Horizon,
        Warning,
        "nobody reads the replication slot `unused`",
        ItsStatement,
    ),
    trouble(
        &["select pg_create_logical_replication_slot('unused_too', 'pgoutput')"],
        Check::Horizon,
        Warning,
        "nobody reads the replication slot `unused_too`",
        ItsStatement,
    ),
    trouble(
        &["create role worker login", "grant usage on schema simple_queue to worker", "alter role worker set statement_timeout = '1s'"],
        Check::Settings,
        Warning,
        "`statement_timeout` of the role `worker` is 1s",
        ItsStatement,
    ),
    trouble(
        &["do $$ begin execute 'alter database ' || quote_ident(current_database()) || ' set lock_timeout = 20'; end $$"],
        Check::Settings,
        Warning,
        "`lock_timeout` of the database",
        ItsStatement,
    ),
    trouble(
        &["do $$ begin execute 'alter database ' || quote_ident(current_database()) || ' set synchronous_commit = off'; end $$"],
        Check::Settings,
        Warning,
        "`synchronous_commit` is off",
        ItsStatement,
    ),
    trouble(
        &["do $$ begin execute 'alter database ' || quote_ident(current_database()) || ' set default_transaction_read_only = on'; end $$"],
        Check::Server,
        Wrong,
        "sessions of this role begin read-only",
        ItsStatement,
    ),
    trouble(&["delete from simple_queue.migrations where name = 'functions'"], Check::Migrations, Wrong, "the part `functions` is missing", Hand("migrate")),
    trouble(
        &["update simple_queue.migrations set release = '0.0.1' where name = 'functions'"],
        Check::Migrations,
        Wrong,
        "the part `functions` is that of release 0.0.1",
        Hand("migrate"),
    ),
    trouble(
        &["insert into simple_queue.migrations (name, release, checksum) values ('0099_more', '99.0.0', 1)"],
        Check::Migrations,
        Warning,
        "`0099_more` of release 99.0.0",
        Hand("delete from simple_queue.migrations where name = '0099_more'"),
    ),
    trouble(
        &["insert into simple_queue.workers (id, heartbeat_at, heartbeat_interval, pid, host, queues)
            values (gen_random_uuid(), now() - interval '1 hour', '5 s', 7, 'gone', '{a}')"],
        Check::Workers,
        Wrong,
        "the worker on gone, process 7, has been silent",
        Hand(NOTHING),
    ),
    trouble(
        &[PROCESS, "insert into simple_queue.workers (id, heartbeat_interval, pid, host, queues, release)
            values (gen_random_uuid(), '1 day', 8, 'there', '{served}', '99.0.0')"],
        Check::Workers,
        Warning,
        "workers of several releases",
        Hand(NOTHING),
    ),
    trouble(
        &["insert into simple_queue.queues (name, paused_at) values ('emails', now())"],
        Check::Waiting,
        Warning,
        "the queue `emails` is paused",
        Hand("update simple_queue.queues set paused_at = null"),
    ),
    trouble(
        &[
            PROCESS,
            "insert into simple_queue.queues (name, paused_at) values ('served', now())",
            "insert into simple_queue.stats (width, at, queue, kind, waiting, later)
                values (60, date_bin('1 min', now(), 'epoch'), 'served', '', 812, 0)",
        ],
        Check::Waiting,
        Wrong,
        "and 812 jobs wait in it",
        Hand(NOTHING),
    ),
    trouble(&[JOB], Check::Waiting, Wrong, "no worker serves the queue `served`", Hand(NOTHING)),
    trouble(&[PROCESS, JOB], Check::Waiting, Wrong, "none of them seems to have a handler for that kind", Hand(NOTHING)),
    trouble(
        &[
            PROCESS,
            "update simple_queue.workers set started_at = now()",
            JOB,
            "insert into simple_queue.kinds (kind, queue, version, arguments, options, declared_in, declared_at)
                values ('lost', 'served', 1, '[]', '{\"priority\": 0, \"aliases\": []}', 'src/mails.rs:7', now() - interval '2 hours')",
        ],
        Check::Waiting,
        Wrong,
        "UTC; then it stood in src/mails.rs:7",
        Hand(NOTHING),
    ),
    trouble(
        &[
            PROCESS,
            JOB,
            "insert into simple_queue.stats (width, at, queue, kind, runs, completed, wait, run)
                values (60, date_bin('1 min', now(), 'epoch'), 'served', 'lost', 5, 5, '{5}', '{5}')",
        ],
        Check::Waiting,
        Warning,
        "`lost` in `served` have been due for",
        Hand(NOTHING),
    ),
    trouble(
        &[
            PROCESS,
            "insert into simple_queue.jobs (id, queue, kind, job_data, worker_id, timeout)
                values ('00000000-0000-0000-0000-000000000002', 'served', 'long', '{}',
                    '00000000-0000-0000-0000-000000000001', '1 min')",
            r#"update simple_queue.workers set runs = '[{"id": "00000000-0000-0000-0000-000000000002", "ran": 3600}]'"#,
        ],
        Check::Runs,
        Wrong,
        "has run for 60 min, and may for 60 s",
        Hand(NOTHING),
    ),
    trouble(
        &["insert into simple_queue.jobs (id, queue, kind, job_data, worker_id)
            values (gen_random_uuid(), 'a', 'b', '{}', gen_random_uuid())"],
        Check::Runs,
        Wrong,
        "1 of the oldest jobs run in processes that are not there",
        Hand(NOTHING),
    ),
    trouble(
        &["insert into simple_queue.dead_letters (id, lease, created_at, finished_at, attempt, reprocess_count, crash_count,
                version, priority, status, queue, kind, reason, job_data)
            values (gen_random_uuid(), 1, now(), now(), 1, 0, 0, 1, 0, 'unprocessable', 'q', 'greet', 'no field `name`', '{}')"],
        Check::DeadLetters,
        Warning,
        "1 jobs of `greet` could not be read in the last day: no field `name`",
        Hand(NOTHING),
    ),
    trouble(
        &["insert into simple_queue.stats (width, at, queue, kind, runs, dead)
            values (60, date_bin('1 min', now(), 'epoch'), 'q', 'k', 20, 15)"],
        Check::DeadLetters,
        Wrong,
        "15 of 20 runs of the last hour ended for good",
        Hand(NOTHING),
    ),
    trouble(
        &[PROCESS, "update simple_queue.upkeep set done_at = now() - interval '1 day' where task = 'depth'"],
        Check::Upkeep,
        Warning,
        "nobody has counted what waits for 24 h",
        Hand("truncate simple_queue.workers"),
    ),
    trouble(
        &[PROCESS],
        Check::Upkeep,
        Wrong,
        "nobody has looked for jobs of dead processes for ever",
        Hand("truncate simple_queue.workers"),
    ),
];

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
            ItsStatement => place.execute(&statements(remedy)).await,
            Hand("migrate") => {
                assert_eq!(*remedy, Remedy::Command("simple-queue migrate".to_owned()));
                assert_eq!(run(&place.url, &["migrate"]).code, 0);
            }
            Hand(statement) => {
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
