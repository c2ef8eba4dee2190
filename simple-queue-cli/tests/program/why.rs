//! Each reason for which a job does not run is prepared, and named.

use crate::support::run;
use simple_queue::{
    SimpleQueue,
    embedded::EmbeddedPostgres,
    sqlx::{self, AssertSqlSafe},
};

/// A job that nothing holds up, of whose queue a worker has just started.
const JOB: &str = "insert into simple_queue.jobs (id, queue, kind, job_data, run_at, attempt, expires_at, crash_count, held, gate, worker_id, cancel_requested_at)
    select '00000000-0000-0000-0000-000000000001', 'emails', 'send', '{}', now() - interval '1 s', 0, null, 0, null, null, null, null";
const ID: &str = "00000000-0000-0000-0000-000000000001";
const WORKER: &str = "insert into simple_queue.workers (id, heartbeat_at, heartbeat_interval, started_at, pid, host, queues)
    values ('00000000-0000-0000-0000-000000000009', now(), '1 hour', now(), 77, 'web-1', '{emails}')";
const SILENT: &str = "update simple_queue.workers set heartbeat_interval = '1 s', heartbeat_at = now() - interval '4 s'";
const SEQUENCE: &str = "insert into simple_queue.limits (name, concurrency, after_failure) values ('order:emails/send', 1, 'halt')";
const DECLARED: &str = "insert into simple_queue.kinds (kind, queue, version, arguments, options, declared_in, declared_at)
    values ('send', 'emails', 1, '[]', '{}', 'src/jobs.rs:1', now() + interval '1 min')
    on conflict (kind) do nothing";
const KEY: &str =
    "insert into simple_queue.limits (name, concurrency) values ('key:emails/send', 1)";
const OTHER_RUNS: &str = "insert into simple_queue.jobs (id, queue, kind, job_data, gate, worker_id)
    values (gen_random_uuid(), 'emails', 'send', '{}', 'key:emails/send#7', '00000000-0000-0000-0000-000000000009')";

/// The statements that prepare it, the reason that is named, and what is to be typed.
type Case = (&'static [&'static str], &'static str, &'static str);

const CASES: &[Case] = &[
    (&[WORKER, "update simple_queue.jobs set run_at = now() + interval '1 hour'"], "it is not due yet: in 59 min", "simple-queue jobs run-now"),
    (&[WORKER, "update simple_queue.jobs set run_at = now() + interval '1 hour', attempt = 3"], "attempt 3 failed or put it off", "simple-queue jobs run-now"),
    (&[WORKER, "update simple_queue.jobs set expires_at = now() - interval '10 s'"], "it has expired", ""),
    (&[WORKER, "insert into simple_queue.queues (name, paused_at) values ('emails', now())"], "the queue `emails` was paused", "simple-queue queues resume emails"),
    (&[], "no worker runs", "start your service"),
    (&[WORKER, "update simple_queue.workers set queues = '{images}'"], "no worker serves the queue `emails`", "simple-queue workers"),
    (&[WORKER, SILENT], "all workers of the queue `emails` are silent", "simple-queue workers"),
    (&[WORKER, "update simple_queue.jobs set crash_count = 2, held = '00000000-0000-0000-0000-000000000000'"], "it has killed 2 processes, so it runs alone", "simple-queue jobs cancel"),
    (&[WORKER, KEY, OTHER_RUNS, "update simple_queue.jobs set gate = 'key:emails/send#7'"], "the key `7` is in use: 1 of its jobs run, 1 wait", "simple-queue running"),
    (
        &[
            WORKER,
            KEY,
            "update simple_queue.jobs set gate = 'key:emails/send#7'",
            "insert into simple_queue.limit_keys (gate, rule, paused_at) values ('key:emails/send#7', 'key:emails/send', now())",
        ],
        "the key `7` of `key:emails/send` was paused",
        "simple-queue limits resume key:emails/send --key 7",
    ),
    (
        &[
            WORKER,
            SEQUENCE,
            "update simple_queue.jobs set gate = 'order:emails/send#7'",
            "insert into simple_queue.turns (rule, gate, due_at, released, job_id)
                values ('order:emails/send', 'order:emails/send#7', 'infinity', 1, '00000000-0000-0000-0000-000000000005')",
        ],
        "the sequence `7` is halted by the dead job 00000000-0000-0000-0000-000000000005",
        "simple-queue jobs retry 00000000-0000-0000-0000-000000000005",
    ),
    (
        &[
            WORKER,
            SEQUENCE,
            "update simple_queue.jobs set gate = 'order:emails/send#7'",
            "insert into simple_queue.turns (rule, gate, due_at, released, job_id)
                values ('order:emails/send', 'order:emails/send#7', now() + interval '1 hour', 1, '00000000-0000-0000-0000-000000000005')",
        ],
        "an earlier job of the sequence `7` runs again in 59 min",
        "",
    ),
    (&[WORKER, "insert into simple_queue.limits (name, concurrency, paused_at) values ('queue:emails', 5, now())"], "the limit `queue:emails` was paused", "simple-queue limits resume queue:emails"),
    (&[WORKER, "insert into simple_queue.limits (name, concurrency, lent) values ('kind:send', 5, 5)"], "the limit `kind:send` is used up: 5 of 5", "simple-queue limits list"),
    (
        &[
            WORKER,
            "insert into simple_queue.limits (name, rate, tat)
                values ('kind:send', '{\"limit\": 1, \"per\": 3600, \"burst\": 1, \"strict\": false, \"start_within\": 1, \"pace\": 3600}', now() + interval '2 hours')",
        ],
        "the rate of `kind:send` is used up",
        "",
    ),
    (
        &[
            WORKER,
            "update simple_queue.workers set started_at = now() - interval '1 hour'",
            "update simple_queue.jobs set run_at = now() - interval '1 hour'",
        ],
        "and the workers of its queue run nothing: none of its workers seems to have a handler for that kind",
        "look at the last deploy",
    ),
    (
        &[
            WORKER,
            "update simple_queue.workers set started_at = now() - interval '1 hour'",
            "update simple_queue.jobs set run_at = now() - interval '1 hour'",
            "insert into simple_queue.stats (width, at, queue, kind, runs, completed) values (60, date_bin('1 min', now(), 'epoch'), 'emails', 'other', 5, 5)",
        ],
        "while others of its queue have: none of its workers seems to have a handler for that kind",
        "look at the last deploy",
    ),
    (&[WORKER], "its workers are busy", "simple-queue running"),
    (&[WORKER, "delete from simple_queue.kinds"], "no worker has ever declared the kind `send`", "look at the last deploy"),
    (
        &[WORKER, "update simple_queue.kinds set declared_at = now() - interval '1 hour'"],
        "no worker that runs has declared the kind `send`; one did 60 min ago",
        "look at the last deploy",
    ),
    (&[WORKER, "update simple_queue.jobs set worker_id = '00000000-0000-0000-0000-000000000009', attempt = 1"], "it runs on web-1, process 77, attempt 1", "simple-queue running"),
    (
        &[WORKER, SILENT, "update simple_queue.jobs set worker_id = '00000000-0000-0000-0000-000000000009', attempt = 1"],
        "that worker's last heartbeat was",
        "",
    ),
    (
        &[WORKER, "update simple_queue.jobs set worker_id = '00000000-0000-0000-0000-000000000009', cancel_requested_at = now()"],
        "its cancellation was asked for",
        "",
    ),
    (
        &["with job as (delete from simple_queue.jobs returning id, queue, kind, job_data)
            insert into simple_queue.dead_letters (id, lease, created_at, finished_at, attempt, reprocess_count, crash_count,
                version, priority, status, queue, kind, reason, job_data)
            select id, 1, now(), now(), 1, 0, 0, 1, 0, 'failed', queue, kind, 'no attempt is left', job_data from job"],
        "it has ended as failed: no attempt is left",
        "simple-queue jobs retry",
    ),
    (&["delete from simple_queue.jobs"], "there is no job", "simple-queue jobs list"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_for_which_a_job_does_not_run_is_named_with_what_to_type() {
    let server = EmbeddedPostgres::start().await.unwrap();
    let queue = SimpleQueue::connect(server.url()).await.unwrap();
    queue.migrate().await.unwrap();
    let execute = async |statement: &str| {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(queue.pool())
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    for (prepared, reason, remedy) in CASES {
        execute(
            "truncate simple_queue.jobs, simple_queue.workers, simple_queue.queues, simple_queue.limits, \
            simple_queue.limit_keys, simple_queue.kinds, simple_queue.turns, simple_queue.gates, simple_queue.stats, simple_queue.dead_letters",
        )
        .await;
        execute(JOB).await;
        execute(DECLARED).await;
        for statement in *prepared {
            execute(statement).await;
        }
        let why = run(server.url(), &["why", ID]);
        assert_eq!(why.code, 0, "{reason}: {}", why.err);
        let line = why.out.lines().position(|line| line.contains(reason));
        let line = line.unwrap_or_else(|| panic!("{reason} is not said: {}", why.out));
        let typed = why.out.lines().nth(line + 1).unwrap_or_default();
        assert!(typed.contains(remedy), "{reason}: {}", why.out);
        if prepared.len() < 3 && !reason.contains("cancellation") {
            assert_eq!(line, 0, "it is the first reason: {}", why.out);
        }
    }
}
