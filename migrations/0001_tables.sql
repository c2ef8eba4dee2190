-- The tables of the queue.
--
-- `simple_queue.` stands for the schema the queue was built with; the library writes the chosen
-- name in its place. Jobs that may still run are in `jobs`, those that are done in `archive`, those
-- that gave up in `dead_letters`: a job is in exactly one of the three.

create table simple_queue.jobs (
    id                  uuid        not null,
    lease               bigint      not null default 0,
    run_at              timestamptz not null default now(),
    scheduled_at        timestamptz,
    expires_at          timestamptz,
    cancel_requested_at timestamptz,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    worker_id           uuid,
    attempt             integer     not null default 0,
    max_attempts        integer,
    reprocess_count     integer     not null default 0,
    crash_count         integer     not null default 0,
    version             integer     not null default 1,
    priority            smallint    not null default 0,
    cost                integer,
    held                uuid,
    node                uuid,
    gate                text        collate "C",
    queue               text        not null,
    kind                text        not null default '',
    job_data            jsonb       not null,
    timeout             interval,
    retain              interval,
    unique_key          text,
    fingerprint         text,
    tags                text[],
    errors              jsonb,
    metadata            jsonb,
    constraint jobs_pkey primary key (id),
    -- The only check constraint: the server reads the definitions of all of them anew in every statement that
    -- writes to the table, and four more cost an insert of one job a seventh of its time. Whoever enqueues
    -- checks the rest. A `run_at` that is not finite would keep every worker from computing how long it may
    -- sleep.
    constraint run_at_is_finite check (isfinite(run_at))
) with (
    -- More than half of each page stays free, so that the claim finds room for the new version of a
    -- row, which has a worker_id more, beside the old one and touches no index (a HOT update).
    fillfactor = 45,
    -- Rows live for milliseconds here. The thresholds are absolute, because a share of a table that
    -- is nearly empty most of the time means nothing.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table simple_queue.jobs is 'Jobs that wait or run. Nothing that is over stays here.';
comment on column simple_queue.jobs.id is 'UUID version 7, made by the client, and used once: an insert of an id that is live is ignored, one of a job that is over refused.';
comment on column simple_queue.jobs.lease is 'Counts every change into and out of running. A worker may change a running job only while the number is the one it claimed.';
comment on column simple_queue.jobs.run_at is 'Due from this time on. Never in the past when it is written, so that fetching may skip what lies behind.';
comment on column simple_queue.jobs.scheduled_at is 'The time first asked for, where one was.';
comment on column simple_queue.jobs.expires_at is 'Not started any more after this time. A job that was started moves it along with its run_at.';
comment on column simple_queue.jobs.cancel_requested_at is 'Somebody asked for the end of this job while it ran.';
comment on column simple_queue.jobs.created_at is 'When it was enqueued.';
comment on column simple_queue.jobs.updated_at is 'When this row last changed.';
comment on column simple_queue.jobs.worker_id is 'The process that runs it; null while it waits. Stands in no index and in no index''s predicate, which keeps the claim HOT.';
comment on column simple_queue.jobs.attempt is 'Attempts used, the running one included.';
comment on column simple_queue.jobs.max_attempts is 'Attempts allowed; null: as many as its handler says.';
comment on column simple_queue.jobs.reprocess_count is 'How often it was rescheduled without using an attempt.';
comment on column simple_queue.jobs.crash_count is 'How many processes died while they ran it. From 2 on it runs alone.';
comment on column simple_queue.jobs.version is 'The version of the payload''s shape.';
comment on column simple_queue.jobs.priority is 'Smaller first.';
comment on column simple_queue.jobs.cost is 'What it takes of a rate limit; null: 1.';
comment on column simple_queue.jobs.held is 'What must release it before it may start; null: nothing.';
comment on column simple_queue.jobs.node is 'The node of a workflow that is told of its end; null: it is in none.';
comment on column simple_queue.jobs.gate is 'The limit and key under which it waits; null: none, and it is fetched by its queue.';
comment on column simple_queue.jobs.queue is 'Where it waits.';
comment on column simple_queue.jobs.kind is 'Which handler of the queue runs it; empty: the one without a kind.';
comment on column simple_queue.jobs.job_data is 'The payload.';
comment on column simple_queue.jobs.timeout is 'How long one attempt may take; null: as long as its handler says.';
comment on column simple_queue.jobs.retain is 'How long it is kept once it is over; null: as long as the janitor keeps others.';
comment on column simple_queue.jobs.unique_key is 'Only one live job may have it.';
comment on column simple_queue.jobs.fingerprint is 'Groups jobs, for cancelling them together.';
comment on column simple_queue.jobs.tags is 'Free words for people.';
comment on column simple_queue.jobs.errors is 'The last 10 errors: [{"attempt": 1, "at": "…", "error": "…"}], each at most 8 kB.';
comment on column simple_queue.jobs.metadata is 'What the library and its users attach.';

-- A pending job rests in exactly one of these three indexes. None of their predicates names a column that the
-- claim writes: one on worker_id would make every claim write the index.
--
-- The fetch descends here once for each queue and priority, and reads in the order of dueness.
create index jobs_fetch on simple_queue.jobs (queue, priority, run_at, id) where gate is null and held is null;

create index jobs_gate on simple_queue.jobs (gate, priority, run_at, id) where gate is not null and held is null;

create index jobs_held on simple_queue.jobs (held) where held is not null;

-- Only live jobs are in this table, so unique among live jobs is just unique.
create unique index jobs_unique_key on simple_queue.jobs (unique_key) where unique_key is not null;

create index jobs_fingerprint on simple_queue.jobs (fingerprint) where fingerprint is not null;

create table simple_queue.archive (
    id              uuid        not null,
    lease           bigint      not null,
    scheduled_at    timestamptz,
    created_at      timestamptz not null,
    finished_at     timestamptz not null,
    worker_id       uuid,
    attempt         integer     not null,
    max_attempts    integer,
    reprocess_count integer     not null,
    crash_count     integer     not null,
    version         integer     not null,
    priority        smallint    not null,
    node            uuid,
    gate            text        collate "C",
    queue           text        not null,
    kind            text        not null,
    job_data        jsonb       not null,
    result          jsonb,
    unique_key      text,
    fingerprint     text,
    tags            text[],
    errors          jsonb,
    metadata        jsonb,
    keep_until      timestamptz,
    constraint archive_pkey primary key (id, finished_at)
) partition by range (finished_at);

-- For the few that are kept for a time of their own.
create index archive_keep_until on simple_queue.archive (keep_until) where keep_until is not null;

comment on table simple_queue.archive is 'Jobs that are done, one partition a day (UTC). Old days are dropped whole.';
comment on column simple_queue.archive.id is 'As in jobs.';
comment on column simple_queue.archive.lease is 'The lease under which it was finished: tells a worker whose answer was lost that the write was its own.';
comment on column simple_queue.archive.scheduled_at is 'As in jobs.';
comment on column simple_queue.archive.created_at is 'As in jobs.';
comment on column simple_queue.archive.finished_at is 'When it was done.';
comment on column simple_queue.archive.worker_id is 'The process that ran it.';
comment on column simple_queue.archive.attempt is 'Attempts it took.';
comment on column simple_queue.archive.max_attempts is 'As in jobs.';
comment on column simple_queue.archive.reprocess_count is 'As in jobs.';
comment on column simple_queue.archive.crash_count is 'As in jobs.';
comment on column simple_queue.archive.version is 'As in jobs.';
comment on column simple_queue.archive.priority is 'As in jobs.';
comment on column simple_queue.archive.node is 'As in jobs.';
comment on column simple_queue.archive.gate is 'As in jobs.';
comment on column simple_queue.archive.queue is 'As in jobs.';
comment on column simple_queue.archive.kind is 'As in jobs.';
comment on column simple_queue.archive.job_data is 'As in jobs.';
comment on column simple_queue.archive.result is 'What its handler returned, where it returned something.';
comment on column simple_queue.archive.unique_key is 'As in jobs, but no longer unique.';
comment on column simple_queue.archive.fingerprint is 'As in jobs.';
comment on column simple_queue.archive.tags is 'As in jobs.';
comment on column simple_queue.archive.errors is 'As in jobs: the attempts that failed before.';
comment on column simple_queue.archive.metadata is 'As in jobs.';
comment on column simple_queue.archive.keep_until is 'Deleted after this time; null: as old as the janitor lets others become.';

create table simple_queue.dead_letters (
    id              uuid        not null,
    lease           bigint      not null,
    scheduled_at    timestamptz,
    created_at      timestamptz not null,
    finished_at     timestamptz not null,
    worker_id       uuid,
    attempt         integer     not null,
    max_attempts    integer,
    reprocess_count integer     not null,
    crash_count     integer     not null,
    version         integer     not null,
    priority        smallint    not null,
    cost            integer,
    node            uuid,
    gate            text        collate "C",
    status          text        not null,
    queue           text        not null,
    kind            text        not null,
    reason          text        not null,
    job_data        jsonb       not null,
    timeout         interval,
    unique_key      text,
    fingerprint     text,
    tags            text[],
    errors          jsonb,
    metadata        jsonb,
    keep_until      timestamptz,
    constraint dead_letters_pkey primary key (id),
    constraint status_is_final check (
        status in ('failed', 'cancelled', 'critical_failure', 'unprocessable', 'bad_job')
    )
);

-- The janitor deletes from the old end.
create index dead_letters_finished_at on simple_queue.dead_letters (finished_at);

create index dead_letters_keep_until on simple_queue.dead_letters (keep_until) where keep_until is not null;

comment on table simple_queue.dead_letters is 'Jobs that will not run again by themselves, with the reason.';
comment on column simple_queue.dead_letters.id is 'As in jobs.';
comment on column simple_queue.dead_letters.lease is 'The lease under which it ended; a job that is put back goes on from it.';
comment on column simple_queue.dead_letters.scheduled_at is 'As in jobs.';
comment on column simple_queue.dead_letters.created_at is 'As in jobs.';
comment on column simple_queue.dead_letters.finished_at is 'When it ended.';
comment on column simple_queue.dead_letters.worker_id is 'The process that ran it last; null if it never ran or was waiting.';
comment on column simple_queue.dead_letters.attempt is 'Attempts used.';
comment on column simple_queue.dead_letters.max_attempts is 'As in jobs.';
comment on column simple_queue.dead_letters.reprocess_count is 'As in jobs.';
comment on column simple_queue.dead_letters.crash_count is 'As in jobs.';
comment on column simple_queue.dead_letters.version is 'As in jobs.';
comment on column simple_queue.dead_letters.priority is 'As in jobs.';
comment on column simple_queue.dead_letters.status is 'failed: no attempt left; cancelled: called off; critical_failure: its handler gave up; unprocessable: its payload cannot be worked with; bad_job: it killed its processes or was rescheduled without end.';
comment on column simple_queue.dead_letters.cost is 'As in jobs.';
comment on column simple_queue.dead_letters.node is 'As in jobs.';
comment on column simple_queue.dead_letters.gate is 'As in jobs.';
comment on column simple_queue.dead_letters.queue is 'As in jobs.';
comment on column simple_queue.dead_letters.kind is 'As in jobs.';
comment on column simple_queue.dead_letters.reason is 'Why it is here, in a sentence for people.';
comment on column simple_queue.dead_letters.job_data is 'As in jobs.';
comment on column simple_queue.dead_letters.timeout is 'As in jobs.';
comment on column simple_queue.dead_letters.unique_key is 'As in jobs, but no longer unique.';
comment on column simple_queue.dead_letters.fingerprint is 'As in jobs.';
comment on column simple_queue.dead_letters.tags is 'As in jobs.';
comment on column simple_queue.dead_letters.errors is 'As in jobs.';
comment on column simple_queue.dead_letters.metadata is 'As in jobs.';
comment on column simple_queue.dead_letters.keep_until is 'Deleted after this time; null: as old as the janitor lets others become.';

create table simple_queue.workers (
    id                 uuid        not null,
    heartbeat_at       timestamptz not null default now(),
    heartbeat_interval interval    not null,
    started_at         timestamptz not null default now(),
    suspect_id         uuid,
    long_running       uuid[],
    pid                integer     not null,
    host               text        not null,
    queues             text[]      not null,
    constraint workers_pkey primary key (id)
) with (fillfactor = 50);

comment on table simple_queue.workers is 'The processes that work, one row each. A row goes only when its jobs have been returned.';
comment on column simple_queue.workers.id is 'New at every start, so that a process is never taken for its predecessor.';
comment on column simple_queue.workers.heartbeat_at is 'Vouches for all that the process runs.';
comment on column simple_queue.workers.heartbeat_interval is 'How often it promises to beat; dead after 6 of these without one.';
comment on column simple_queue.workers.started_at is 'When it began.';
comment on column simple_queue.workers.suspect_id is 'The job it runs that has killed others before; if this process dies, only that job is held to have done it.';
comment on column simple_queue.workers.long_running is 'Jobs that are in its name for long, as a look at the whole table found; it returns those that it does not know of. Null: it has heard of them.';
comment on column simple_queue.workers.pid is 'Its process id on its host.';
comment on column simple_queue.workers.host is 'The machine it runs on.';
comment on column simple_queue.workers.queues is 'The queues it serves.';

-- Every insert asks whether this table has a row. So it is apart from `workers`, in which each heartbeat leaves a
-- dead row, and an old snapshot keeps them all.
create table simple_queue.idle_workers (
    worker_id uuid not null,
    constraint idle_workers_pkey primary key (worker_id)
);

comment on table simple_queue.idle_workers is 'The processes that sleep until they are notified. While there is one, an enqueue notifies.';
comment on column simple_queue.idle_workers.worker_id is 'As id in workers.';

create table simple_queue.queues (
    name       text        not null,
    paused_at  timestamptz,
    updated_at timestamptz not null default now(),
    constraint queues_pkey primary key (name)
) with (fillfactor = 50);

comment on table simple_queue.queues is 'What holds for a queue on all machines. A queue without a row here has no such settings.';
comment on column simple_queue.queues.name is 'The queue.';
comment on column simple_queue.queues.paused_at is 'Since when nothing of it is started; null: it runs.';
comment on column simple_queue.queues.updated_at is 'When this row last changed.';

create table simple_queue.upkeep (
    task    text        not null,
    done_at timestamptz not null,
    constraint upkeep_pkey primary key (task)
);

insert into simple_queue.upkeep (task, done_at) values ('orphans', 'epoch');

comment on table simple_queue.upkeep is 'Work that any process may do, and that one does for all.';
comment on column simple_queue.upkeep.task is 'What is done: orphans, a look at the whole table for jobs that no process works on.';
comment on column simple_queue.upkeep.done_at is 'When it was last done.';

-- The views are read with the rights of whoever reads them: row-level security on the tables holds there too.
create view simple_queue.all_jobs with (security_invoker = true) as
select id, queue, kind, case when worker_id is null then 'pending' else 'running' end as status,
    null::text as reason, priority, attempt, max_attempts, job_data, null::jsonb as result, errors,
    unique_key, fingerprint, tags, metadata, worker_id, run_at, scheduled_at, created_at,
    null::timestamptz as finished_at
from simple_queue.jobs
union all
select id, queue, kind, 'completed', null, priority, attempt, max_attempts, job_data, result, errors,
    unique_key, fingerprint, tags, metadata, worker_id, null, scheduled_at, created_at, finished_at
from simple_queue.archive
union all
select id, queue, kind, status, reason, priority, attempt, max_attempts, job_data, null, errors,
    unique_key, fingerprint, tags, metadata, worker_id, null, scheduled_at, created_at, finished_at
from simple_queue.dead_letters;

comment on view simple_queue.all_jobs is 'Every job, wherever it is. For people; the library reads the tables.';

create view simple_queue.jobs_overview with (security_invoker = true) as
select id, queue, kind, case when worker_id is null then 'pending' else 'running' end as status,
    priority, attempt, max_attempts, crash_count, worker_id, run_at, scheduled_at, created_at,
    null::timestamptz as finished_at
from simple_queue.jobs
union all
select id, queue, kind, 'completed', priority, attempt, max_attempts, crash_count, worker_id, null,
    scheduled_at, created_at, finished_at
from simple_queue.archive
union all
select id, queue, kind, status, priority, attempt, max_attempts, crash_count, worker_id, null,
    scheduled_at, created_at, finished_at
from simple_queue.dead_letters;

comment on view simple_queue.jobs_overview is 'Every job, without its payload, result, errors, reason, tags, metadata and keys: for those who may not know them.';
