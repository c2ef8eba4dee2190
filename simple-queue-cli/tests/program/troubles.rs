//! What can be wrong with a queue, as the doctor finds it.

use simple_queue::{Check, Severity};

/// What is made, and what is then found of it.
pub(crate) struct Trouble {
    /// Statements, each sent by itself.
    pub(crate) make: &'static [&'static str],
    pub(crate) check: Check,
    pub(crate) severity: Severity,
    /// A part of what is said.
    pub(crate) found: &'static str,
    pub(crate) repaired_by: By,
}

pub(crate) enum By {
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

pub(crate) const TROUBLES: &[Trouble] = &[
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
        "no client reads the replication slot `unused`",
        ItsStatement,
    ),
    trouble(
        &["select pg_create_logical_replication_slot('unused_too', 'pgoutput')"],
        Check::Horizon,
        Warning,
        "no client reads the replication slot `unused_too`",
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
        "no worker has counted what waits for 24 h",
        Hand("truncate simple_queue.workers"),
    ),
    trouble(
        &[PROCESS],
        Check::Upkeep,
        Wrong,
        "no worker has looked for jobs of dead processes yet",
        Hand("truncate simple_queue.workers"),
    ),
];
