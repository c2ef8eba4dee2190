-- The tables of the queue.
--
-- `simple_queue.` is a placeholder for the queue's schema; the library writes the chosen name in its place. Jobs that
-- may still run are in `jobs`, completed jobs in `archive`, all others in `dead_letters`: a job is in exactly one of the
-- three tables.

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
    -- The only check constraint: the server parses the definitions of all of them in every statement that writes to
    -- the table, and four more cost an insert of one job a seventh of its time. Enqueuers check the other values.
    -- With an infinite `run_at` no worker could compute how long it may sleep.
    constraint run_at_is_finite check (isfinite(run_at))
) with (
    -- 45 %: more than half of each page stays free. The claim's new version of a row, which is larger by a worker_id,
    -- then fits beside the old one, and the claim touches no index (a HOT update).
    fillfactor = 45,
    -- Rows live for milliseconds here. The thresholds are absolute, because a fraction of a table that is nearly
    -- empty most of the time means nothing.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table simple_queue.jobs is 'Pending and running jobs. A job leaves this table when it ends.';
comment on column simple_queue.jobs.id is 'UUID version 7, made by the client, and used once: an insert with the id of a live job is ignored, one with the id of an ended job is refused.';
comment on column simple_queue.jobs.lease is 'Counts every change into and out of running. A worker may change a running job only while this is the number that it claimed.';
comment on column simple_queue.jobs.run_at is 'When the job is due. Never in the past when it is written, so that a fetch may skip earlier times.';
comment on column simple_queue.jobs.scheduled_at is 'The due time that was first requested; null: none.';
comment on column simple_queue.jobs.expires_at is 'The job is not started after this time. When a started job goes back to pending, this time moves with run_at.';
comment on column simple_queue.jobs.cancel_requested_at is 'When the cancellation of the running job was requested.';
comment on column simple_queue.jobs.created_at is 'When the job was enqueued.';
comment on column simple_queue.jobs.updated_at is 'When this row last changed.';
comment on column simple_queue.jobs.worker_id is 'The process that runs the job; null while it is pending. In no index and in no index''s predicate, so that the claim is a HOT update.';
comment on column simple_queue.jobs.attempt is 'Attempts used, the running one included.';
comment on column simple_queue.jobs.max_attempts is 'Attempts allowed; null: its handler decides.';
comment on column simple_queue.jobs.reprocess_count is 'How often the job was rescheduled without using an attempt.';
comment on column simple_queue.jobs.crash_count is 'How many processes died while they ran the job. From 2 on it runs alone.';
comment on column simple_queue.jobs.version is 'The version of the payload''s shape.';
comment on column simple_queue.jobs.priority is 'Smaller first.';
comment on column simple_queue.jobs.cost is 'How many tokens of the rate of its key the job takes; null: 1.';
comment on column simple_queue.jobs.held is 'The owner of a hold that must be released before the job may start; null: none.';
comment on column simple_queue.jobs.node is 'The workflow node that is informed of the end of the job; null: none.';
comment on column simple_queue.jobs.gate is 'The limit and key under which the job waits; null: none, and it is fetched by its queue.';
comment on column simple_queue.jobs.queue is 'The queue.';
comment on column simple_queue.jobs.kind is 'Which handler of the queue runs the job; empty: the handler without a kind.';
comment on column simple_queue.jobs.job_data is 'The payload.';
comment on column simple_queue.jobs.timeout is 'How long one attempt may take; null: its handler decides.';
comment on column simple_queue.jobs.retain is 'How long the job is kept after its end; null: the janitor''s retention.';
comment on column simple_queue.jobs.unique_key is 'At most one live job has this key. Null for a running job whose key a newer job has taken over.';
comment on column simple_queue.jobs.fingerprint is 'Groups jobs, so that they can be cancelled together.';
comment on column simple_queue.jobs.tags is 'Free words for operators.';
comment on column simple_queue.jobs.errors is 'The last 10 errors: [{"attempt": 1, "at": "…", "error": "…"}], each at most 8 kB.';
comment on column simple_queue.jobs.metadata is 'A JSON object that the caller attached.';

-- A pending job is in exactly one of these three indexes. None of their predicates names a column that the claim
-- writes: with one on worker_id every claim would write to the index.
--
-- The fetch descends this index once for each queue and priority, and reads it in due order.
create index jobs_fetch on simple_queue.jobs (queue, priority, run_at, id) where gate is null and held is null;

create index jobs_gate on simple_queue.jobs (gate, priority, run_at, id) where gate is not null and held is null;

create index jobs_held on simple_queue.jobs (held) where held is not null;

-- This table contains live jobs only, so a plain unique index makes a key unique among live jobs.
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

-- For the few jobs with a retention of their own.
create index archive_keep_until on simple_queue.archive (keep_until) where keep_until is not null;

comment on table simple_queue.archive is 'Completed jobs, one partition per day (UTC). Old days are dropped as a whole.';
comment on column simple_queue.archive.id is 'As in jobs.';
comment on column simple_queue.archive.lease is 'The lease under which the job was finished. A worker whose answer was lost recognizes its own write by it.';
comment on column simple_queue.archive.scheduled_at is 'As in jobs.';
comment on column simple_queue.archive.created_at is 'As in jobs.';
comment on column simple_queue.archive.finished_at is 'When the job was completed.';
comment on column simple_queue.archive.worker_id is 'The process that ran the job.';
comment on column simple_queue.archive.attempt is 'Attempts used.';
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
comment on column simple_queue.archive.result is 'The result of the handler; null: none.';
comment on column simple_queue.archive.unique_key is 'As in jobs, but no longer unique.';
comment on column simple_queue.archive.fingerprint is 'As in jobs.';
comment on column simple_queue.archive.tags is 'As in jobs.';
comment on column simple_queue.archive.errors is 'As in jobs: the errors of earlier attempts.';
comment on column simple_queue.archive.metadata is 'As in jobs.';
comment on column simple_queue.archive.keep_until is 'The row is deleted after this time; null: by the janitor''s retention.';

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
    error_key       text        generated always as (
        left(
            regexp_replace(
                split_part(left(coalesce(errors #>> '{-1, error}', reason), 1000), E'\n', 1),
                '"[^"]*"|''[^'']*''|`[^`]*`|[0-9a-f]{8}-[0-9a-f-]{27}|0x[0-9a-f]+|[0-9]+', '#', 'gi'
            ),
            100
        )
    ) stored,
    constraint dead_letters_pkey primary key (id),
    constraint status_is_final check (
        status in ('failed', 'cancelled', 'critical_failure', 'unprocessable', 'bad_job')
    )
);

-- The janitor deletes the oldest rows first; operators group the newest by their errors, and read the latest first, a
-- page at a time, which may end among rows that ended in one statement.
create index dead_letters_finished_at on simple_queue.dead_letters (finished_at, id);

create index dead_letters_keep_until on simple_queue.dead_letters (keep_until) where keep_until is not null;

comment on table simple_queue.dead_letters is 'Jobs that will not run again by themselves, with the reason.';
comment on column simple_queue.dead_letters.id is 'As in jobs.';
comment on column simple_queue.dead_letters.lease is 'The lease under which the job ended; a redriven job continues from it.';
comment on column simple_queue.dead_letters.scheduled_at is 'As in jobs.';
comment on column simple_queue.dead_letters.created_at is 'As in jobs.';
comment on column simple_queue.dead_letters.finished_at is 'When the job ended.';
comment on column simple_queue.dead_letters.worker_id is 'The process that ran the job last; null if it never ran or was pending.';
comment on column simple_queue.dead_letters.attempt is 'Attempts used.';
comment on column simple_queue.dead_letters.max_attempts is 'As in jobs.';
comment on column simple_queue.dead_letters.reprocess_count is 'As in jobs.';
comment on column simple_queue.dead_letters.crash_count is 'As in jobs.';
comment on column simple_queue.dead_letters.version is 'As in jobs.';
comment on column simple_queue.dead_letters.priority is 'As in jobs.';
comment on column simple_queue.dead_letters.error_key is 'The first line of the last error, or the reason, with # for what differs from job to job: numbers, ids and what is quoted. Dead letters with the same one have probably the same cause.';
comment on column simple_queue.dead_letters.status is 'failed: no attempt left; cancelled: on request; critical_failure: its handler gave up; unprocessable: its payload cannot be used; bad_job: it killed its processes or was rescheduled too often.';
comment on column simple_queue.dead_letters.cost is 'As in jobs.';
comment on column simple_queue.dead_letters.node is 'As in jobs.';
comment on column simple_queue.dead_letters.gate is 'As in jobs.';
comment on column simple_queue.dead_letters.queue is 'As in jobs.';
comment on column simple_queue.dead_letters.kind is 'As in jobs.';
comment on column simple_queue.dead_letters.reason is 'Why the job is here, as a sentence for operators.';
comment on column simple_queue.dead_letters.job_data is 'As in jobs.';
comment on column simple_queue.dead_letters.timeout is 'As in jobs.';
comment on column simple_queue.dead_letters.unique_key is 'As in jobs, but no longer unique.';
comment on column simple_queue.dead_letters.fingerprint is 'As in jobs.';
comment on column simple_queue.dead_letters.tags is 'As in jobs.';
comment on column simple_queue.dead_letters.errors is 'As in jobs.';
comment on column simple_queue.dead_letters.metadata is 'As in jobs.';
comment on column simple_queue.dead_letters.keep_until is 'The row is deleted after this time; null: by the janitor''s retention.';

-- Only jobs that are declared with a time for which their key stays taken look here. The table does not refer to
-- `jobs`: the key stays taken whatever becomes of its job.
create table simple_queue.kept_keys (
    unique_key text        collate "C" not null,
    job_id     uuid        not null,
    kept_until timestamptz not null,
    constraint kept_keys_pkey primary key (unique_key)
);

-- The janitor deletes the rows whose time is over.
create index kept_keys_kept_until on simple_queue.kept_keys (kept_until);

comment on table simple_queue.kept_keys is 'Unique keys that stay taken for a time from the enqueue of their job, even when it has ended. A live job holds its key in jobs.';
comment on column simple_queue.kept_keys.unique_key is 'As in jobs.';
comment on column simple_queue.kept_keys.job_id is 'The job that took the key. It may have ended, and its row may be deleted.';
comment on column simple_queue.kept_keys.kept_until is 'The key is free from this time on, unless a live job holds it.';

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
    release            text,
    runs               jsonb,
    permits            integer,
    claimed            integer,
    full_since         timestamptz,
    constraint workers_pkey primary key (id)
) with (fillfactor = 50);

comment on table simple_queue.workers is 'Worker processes, one row each. A row is deleted only after its jobs were returned.';
comment on column simple_queue.workers.id is 'New at every start, so that a process is never mistaken for its predecessor.';
comment on column simple_queue.workers.heartbeat_at is 'When the process last reported that it is alive, and with it all its jobs.';
comment on column simple_queue.workers.heartbeat_interval is 'The interval of the heartbeats; a process without one for 6 intervals is dead.';
comment on column simple_queue.workers.started_at is 'When the process started.';
comment on column simple_queue.workers.suspect_id is 'The running job that has killed processes before; if this process dies, only that job is blamed.';
comment on column simple_queue.workers.long_running is 'Jobs that have long been in the name of the process, found by a scan of the whole table; the process returns those that it does not know. Null: it has read them.';
comment on column simple_queue.workers.pid is 'The process id on its host.';
comment on column simple_queue.workers.host is 'The machine of the process.';
comment on column simple_queue.workers.queues is 'The queues that the process serves.';
comment on column simple_queue.workers.release is 'The release of the library in the process; null: it is not known.';
comment on column simple_queue.workers.runs is 'Its runs of more than 5 s, at the last heartbeat, 100 at most: [{"id": "…", "ran": seconds, "progress": 0.4, "note": "…"}]; null: none.';
comment on column simple_queue.workers.permits is 'How many jobs it runs at once at most.';
comment on column simple_queue.workers.claimed is 'The jobs that it had at the last heartbeat: those that ran, and those fetched ahead.';
comment on column simple_queue.workers.full_since is 'Since when it has had as many jobs as permits at each heartbeat; null: it had fewer at the last one.';

-- Every insert checks whether this table has a row. So it is separate from `workers`, in which each heartbeat leaves
-- a dead row, and an old snapshot keeps all of those.
create table simple_queue.idle_workers (
    worker_id uuid not null,
    constraint idle_workers_pkey primary key (worker_id)
);

comment on table simple_queue.idle_workers is 'The processes that sleep until they are notified. While there is one, an enqueue sends a notification.';
comment on column simple_queue.idle_workers.worker_id is 'As id in workers.';

create table simple_queue.queues (
    name       text        not null,
    paused_at  timestamptz,
    resume_at  timestamptz,
    reason     text,
    paused_by  text,
    updated_at timestamptz not null default now(),
    constraint queues_pkey primary key (name)
) with (fillfactor = 50);

comment on table simple_queue.queues is 'Settings of queues that hold on all machines. A queue without a row has none.';
comment on column simple_queue.queues.name is 'The queue.';
comment on column simple_queue.queues.paused_at is 'When the queue was paused; null: it is not paused.';
comment on column simple_queue.queues.resume_at is 'When the pause ends by itself; null: when it is ended by a call.';
comment on column simple_queue.queues.reason is 'Why it was paused.';
comment on column simple_queue.queues.paused_by is 'Who paused it; null: the program did.';
comment on column simple_queue.queues.updated_at is 'When this row last changed.';

-- Apart from `queues`, so that the claim asks for a queue only. Workers leave these kinds out of what they ask for.
create table simple_queue.paused_kinds (
    queue     text        collate "C" not null,
    kind      text        collate "C" not null,
    paused_at timestamptz not null default now(),
    resume_at timestamptz,
    reason    text,
    paused_by text,
    constraint paused_kinds_pkey primary key (queue, kind)
);

comment on table simple_queue.paused_kinds is 'Kinds of which no job starts in a queue. Workers read them with their heartbeats.';
comment on column simple_queue.paused_kinds.queue is 'The queue.';
comment on column simple_queue.paused_kinds.kind is 'The kind.';
comment on column simple_queue.paused_kinds.paused_at is 'Since when.';
comment on column simple_queue.paused_kinds.resume_at is 'As in queues.';
comment on column simple_queue.paused_kinds.reason is 'As in queues.';
comment on column simple_queue.paused_kinds.paused_by is 'As in queues.';

create table simple_queue.limits (
    name            text        collate "C" not null,
    concurrency     integer,
    concurrency_set integer,
    lent            integer     not null default 0,
    wanting         integer     not null default 0,
    turns_owed      boolean     not null default false,
    after_failure   text,
    rate            jsonb,
    rate_set        jsonb,
    tat             timestamptz,
    start_within    double precision,
    late_at         timestamptz,
    held_until      timestamptz,
    paused_at       timestamptz,
    updated_at      timestamptz not null default now(),
    constraint limits_pkey primary key (name),
    constraint concurrency_is_positive check (concurrency > 0 and concurrency_set > 0),
    constraint something_is_limited check (concurrency is not null or rate is not null or name like 'fair:%')
) with (fillfactor = 20);

comment on table simple_queue.limits is 'Limits that hold for all processes together.';
comment on column simple_queue.limits.name is 'queue:NAME, kind:NAME, or the name of a limit that several jobs share. key:QUEUE/KIND and order:QUEUE/KIND hold for each key; of fair:QUEUE/KIND the keys have turns, and no limit.';
comment on column simple_queue.limits.concurrency is 'How many jobs may run at once, as the code declares it; null: any number.';
comment on column simple_queue.limits.concurrency_set is 'How many jobs may run at once, as an operator has set it; null: as declared.';
comment on column simple_queue.limits.lent is 'How many permits all processes hold together: the sum of held in quotas.';
comment on column simple_queue.limits.wanting is 'How many processes want more permits than they hold.';
comment on column simple_queue.limits.turns_owed is 'More jobs may start than before, and the turns of the keys that wait are not written yet. A later statement writes them.';
comment on column simple_queue.limits.after_failure is 'What happens to a sequence when one of its jobs fails for good: halt, continue, or drop, which cancels the others of its key; null: it is no sequence.';
comment on column simple_queue.limits.rate is 'How many jobs may start in a time, as the code declares it; null: any number. limit and burst are numbers of jobs; per, start_within (the time from a token to a start) and pace (about the time of one token) are seconds; strict: no period of the length per has more than limit; window and tz: the limit holds for each minute, hour, day, week or month there; costs: jobs say how many tokens they take.';
comment on column simple_queue.limits.rate_set is 'As rate, as an operator has set it; null: as declared.';
comment on column simple_queue.limits.tat is 'When all tokens of the burst are there again; null or past: now. Each token that is taken moves it by the time in which one comes.';
comment on column simple_queue.limits.start_within is 'The seconds from a token to a start, where processes need more than the rate has; null: as it has.';
comment on column simple_queue.limits.late_at is 'When a process last needed more time from a token to a start than the rate has.';
comment on column simple_queue.limits.held_until is 'Until when no job under a window of the calendar starts, as a job has said; null or past: it may. Of other rates tat says so.';
comment on column simple_queue.limits.paused_at is 'When the limit was paused, so that no job under it starts; null: it is not paused.';
comment on column simple_queue.limits.updated_at is 'When the declared or the set number or rate, or the pause, last changed.';

create table simple_queue.quotas (
    limit_name text    collate "C" not null,
    worker_id  uuid    not null,
    held       integer not null default 0,
    wanted     integer not null default 0,
    asked      bigint  not null default 0,
    constraint quotas_pkey primary key (limit_name, worker_id)
) with (fillfactor = 20);

-- A dead process's quotas are found by its id.
create index quotas_worker on simple_queue.quotas (worker_id);

comment on table simple_queue.quotas is 'The permits of a limit that a process holds and lends to its runs. They are deleted with the row of the process.';
comment on column simple_queue.quotas.limit_name is 'As name in limits.';
comment on column simple_queue.quotas.worker_id is 'As id in workers.';
comment on column simple_queue.quotas.held is 'How many permits the process holds.';
comment on column simple_queue.quotas.wanted is 'How many permits more the process wants.';
comment on column simple_queue.quotas.asked is 'The number of the last statement of the process about this quota. One with a smaller number came late, and changes nothing.';

-- What jobs with a key pass through, where a limit holds for each key. A row exists only while jobs of the key run or
-- something is left to remember, so an idle key costs nothing.
create table simple_queue.gates (
    gate         text        collate "C" not null,
    rule         text        collate "C" not null,
    running      integer     not null default 0,
    waiting      boolean     not null default false,
    tat          timestamptz,
    step         double precision,
    start_within double precision,
    wake_at      timestamptz,
    held_until   timestamptz,
    constraint gates_pkey primary key (gate)
) with (
    fillfactor = 40,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table simple_queue.gates is 'The keys of limits whose jobs run now, or whose rate is not full again. In one snapshot, its running jobs and the releases in turns add up to running.';
comment on column simple_queue.gates.gate is 'The limit and the key: the name of the limit, #, and the key.';
comment on column simple_queue.gates.rule is 'The name of the limit, as in limits.';
comment on column simple_queue.gates.running is 'How many places of the key are taken: by running jobs, and by releases that no visit has read.';
comment on column simple_queue.gates.waiting is 'A visit has consumed a turn and left a job waiting because the key was full. The next end of one of its jobs leaves a turn.';
comment on column simple_queue.gates.tat is 'As tat in limits, for the rate of this key.';
comment on column simple_queue.gates.step is 'The seconds of a token by which tat was counted. After a change of the rate, what is owed remains a number of tokens.';
comment on column simple_queue.gates.start_within is 'As start_within in limits, for this key.';
comment on column simple_queue.gates.held_until is 'As held_until in limits, for this key.';
comment on column simple_queue.gates.wake_at is 'When a turn is due that was written because no token was there; null or past: there is none.';

-- A letter box: every statement that makes a job of a key startable puts a row here, and only a visit, which holds the
-- gate's row, takes rows out. Without a key of its own, so that an insert never waits for another transaction.
create table simple_queue.turns (
    rule     text        collate "C" not null,
    gate     text        collate "C" not null,
    due_at   timestamptz,
    released integer     not null default 0,
    job_id   uuid
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

create index turns_now on simple_queue.turns (rule, gate) where due_at is null;

create index turns_later on simple_queue.turns (rule, due_at) where due_at is not null;

-- The release of a job that waits for its retry, or that halts its sequence.
create index turns_job on simple_queue.turns (job_id) where job_id is not null;

comment on table simple_queue.turns is 'Gates to visit, and the places that ended jobs have released.';
comment on column simple_queue.turns.rule is 'The name of the limit, as in limits.';
comment on column simple_queue.turns.gate is 'As in gates.';
comment on column simple_queue.turns.due_at is 'When the gate is to be visited; null: now; infinity: when an operator says so.';
comment on column simple_queue.turns.released is 'How many places of the gate are free from this time on.';
comment on column simple_queue.turns.job_id is 'The job of a sequence whose place this is: it waits for its retry, or it is dead and halts the sequence; null: any.';

-- Settings of single keys.
create table simple_queue.limit_keys (
    gate        text        collate "C" not null,
    rule        text        collate "C" not null,
    concurrency integer,
    rate        jsonb,
    weight      integer,
    paused_at   timestamptz,
    updated_at  timestamptz not null default now(),
    constraint limit_keys_pkey primary key (gate),
    constraint concurrency_is_positive check (concurrency > 0),
    constraint weight_is_positive check (weight > 0)
);

create index limit_keys_rule on simple_queue.limit_keys (rule);

comment on table simple_queue.limit_keys is 'Keys for which an operator has set something. A key without a row has the numbers of its limit.';
comment on column simple_queue.limit_keys.gate is 'As in gates.';
comment on column simple_queue.limit_keys.rule is 'The name of the limit, as in limits.';
comment on column simple_queue.limit_keys.concurrency is 'How many jobs of the key may run at once; null: as the limit says.';
comment on column simple_queue.limit_keys.rate is 'How many jobs of the key may start in a time, as rate in limits; null: as the limit says.';
comment on column simple_queue.limit_keys.weight is 'How many jobs of the key start in a round, where keys share fairly; null: 1.';
comment on column simple_queue.limit_keys.paused_at is 'When the key was paused, so that no job of it starts; null: it is not paused.';
comment on column simple_queue.limit_keys.updated_at is 'When this row last changed.';

create table simple_queue.schedules (
    name          text        collate "C" not null,
    next_at       timestamptz not null,
    last_at       timestamptz,
    paused_at     timestamptz,
    declared_at   timestamptz,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    last_job      uuid,
    every         interval,
    every_set     interval,
    cron          text,
    cron_set      text,
    zone          text        not null default 'UTC',
    zone_set      text,
    misfire       text        not null default 'coalesce',
    overlap       text        not null default 'allow',
    waiting       timestamptz[],
    max_attempts  integer,
    version       integer     not null default 1,
    priority      smallint    not null default 0,
    queue         text        not null,
    kind          text        not null,
    job_data      jsonb       not null,
    expires_after interval,
    timeout       interval,
    retain        interval,
    unique_key    text,
    cost          integer,
    gate          text        collate "C",
    fingerprint   text,
    tags          text[],
    metadata      jsonb,
    constraint schedules_pkey primary key (name),
    constraint next_at_is_finite check (isfinite(next_at)),
    constraint it_fires_by_one_rule check ((cron is null) <> (every is null)),
    constraint misfire_is_known check (misfire in ('coalesce', 'skip', 'backfill')),
    constraint overlap_is_known check (overlap in ('allow', 'skip', 'queue'))
) with (fillfactor = 50);

-- The least next_at is how long every worker sleeps.
create index schedules_next on simple_queue.schedules (next_at) where paused_at is null;

create index schedules_waiting on simple_queue.schedules (name) where waiting is not null;

comment on table simple_queue.schedules is 'Schedules. At each tick, the time next_at, a job with the values of the row is inserted, in the statement that moves next_at.';
comment on column simple_queue.schedules.name is 'The name; the kind of the job if the code declares the schedule.';
comment on column simple_queue.schedules.next_at is 'The next tick that no job was inserted for yet. It moves only forward, in the statement that inserts the jobs of the ticks it passes.';
comment on column simple_queue.schedules.last_at is 'The last tick that a job was inserted for; null: none yet.';
comment on column simple_queue.schedules.paused_at is 'When the schedule was paused; null: it is not paused. Its ticks meanwhile are left out.';
comment on column simple_queue.schedules.declared_at is 'When a worker last declared it; null: the code does not declare it, a call has put it.';
comment on column simple_queue.schedules.created_at is 'When the row was inserted.';
comment on column simple_queue.schedules.updated_at is 'When its rule, its job or its pause last changed.';
comment on column simple_queue.schedules.last_job is 'The last job that was inserted for a tick. It may have ended, and its row may be deleted.';
comment on column simple_queue.schedules.every is 'The time between two ticks, which are its multiples since 1970 (UTC); null: cron is the rule.';
comment on column simple_queue.schedules.every_set is 'As every, as an operator has set it; null with cron_set null: as declared.';
comment on column simple_queue.schedules.cron is 'The cron expression; null: every is the rule.';
comment on column simple_queue.schedules.cron_set is 'As cron, as an operator has set it.';
comment on column simple_queue.schedules.zone is 'The time zone of cron, by its IANA name.';
comment on column simple_queue.schedules.zone_set is 'As zone, as an operator has set it together with cron_set.';
comment on column simple_queue.schedules.misfire is 'What happens to ticks that are more than a minute late. coalesce: one job for all; skip: none; backfill: one for each.';
comment on column simple_queue.schedules.overlap is 'What happens to a tick while the job of an earlier one is live. allow: both are; skip: the tick is left out; queue: its job is inserted when the earlier one has ended.';
comment on column simple_queue.schedules.waiting is 'The ticks that wait for the job of an earlier one to end, the first first; null: none.';
comment on column simple_queue.schedules.max_attempts is 'As in jobs.';
comment on column simple_queue.schedules.version is 'As in jobs.';
comment on column simple_queue.schedules.priority is 'As in jobs.';
comment on column simple_queue.schedules.queue is 'As in jobs.';
comment on column simple_queue.schedules.kind is 'As in jobs.';
comment on column simple_queue.schedules.job_data is 'As in jobs.';
comment on column simple_queue.schedules.expires_after is 'How long a job may wait to be started; null: no limit.';
comment on column simple_queue.schedules.timeout is 'As in jobs.';
comment on column simple_queue.schedules.retain is 'As in jobs.';
comment on column simple_queue.schedules.unique_key is 'As in jobs.';
comment on column simple_queue.schedules.cost is 'As in jobs.';
comment on column simple_queue.schedules.gate is 'As in jobs.';
comment on column simple_queue.schedules.fingerprint is 'As in jobs.';
comment on column simple_queue.schedules.tags is 'As in jobs.';
comment on column simple_queue.schedules.metadata is 'As in jobs. A job of a tick has @schedule in it too: the name, the tick, and the tick of the job before.';

-- What processes without the code know of a kind: which values are hidden, and how a payload looks.
create table simple_queue.kinds (
    kind        text        collate "C" not null,
    queue       text        not null,
    version     integer     not null,
    arguments   jsonb       not null,
    options     jsonb       not null,
    declared_in text        not null,
    declared_at timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint kinds_pkey primary key (kind)
);

comment on table simple_queue.kinds is 'Kinds of jobs as the code declares them. A worker writes those that it has registered before it looks for jobs.';
comment on column simple_queue.kinds.kind is 'The kind.';
comment on column simple_queue.kinds.queue is 'The queue of its jobs, unless a call says otherwise.';
comment on column simple_queue.kinds.version is 'The version of the payload that is declared; the highest of all workers.';
comment on column simple_queue.kinds.arguments is 'The arguments: [{"name": "…", "type": "…", "has_default": false, "aliases": [], "is_redacted": false}].';
comment on column simple_queue.kinds.options is 'What else is declared: max_attempts, priority, timeout_s and aliases.';
comment on column simple_queue.kinds.declared_in is 'File and line of the declaration.';
comment on column simple_queue.kinds.declared_at is 'When a worker last declared it; workers do so again about every hour.';
comment on column simple_queue.kinds.updated_at is 'When what is declared last changed.';

create table simple_queue.upkeep (
    task    text        not null,
    done_at timestamptz not null,
    constraint upkeep_pkey primary key (task)
);

insert into simple_queue.upkeep (task, done_at) values ('orphans', 'epoch'), ('schedules', 'epoch'), ('stats', 'epoch'), ('depth', 'epoch');

comment on table simple_queue.upkeep is 'Tasks that any process may do, and that one process does for all.';
comment on column simple_queue.upkeep.task is 'The task. orphans: a scan of the whole table for jobs that no process works on. schedules: a look for those that no worker declares any more. stats: the rows of wider intervals. depth: a count of the jobs that wait in each queue.';
comment on column simple_queue.upkeep.done_at is 'When the task was last done.';

create table simple_queue.stats (
    width     smallint    not null,
    at        timestamptz not null,
    queue     text        not null collate "C",
    kind      text        not null collate "C",
    runs      bigint      not null default 0,
    completed bigint      not null default 0,
    retried   bigint      not null default 0,
    snoozed   bigint      not null default 0,
    dead      bigint      not null default 0,
    cancelled bigint      not null default 0,
    wait_ms   bigint      not null default 0,
    run_ms    bigint      not null default 0,
    wait      integer[]   not null default '{}',
    run       integer[]   not null default '{}',
    waiting   integer,
    later     integer,
    oldest_ms bigint,
    constraint stats_pkey primary key (width, at, queue, kind)
) with (fillfactor = 70);

comment on table simple_queue.stats is 'Runs that ended, counted for each interval, queue and kind by the processes that ran them.';
comment on column simple_queue.stats.width is 'The width of the interval in seconds: 60 is kept for a day, 600 for two weeks, 3600 for 400 days.';
comment on column simple_queue.stats.at is 'The beginning of the interval.';
comment on column simple_queue.stats.queue is 'The queue.';
comment on column simple_queue.stats.kind is 'The kind; … for those that a process has no room for.';
comment on column simple_queue.stats.runs is 'Runs that ended, of which the next five columns say how.';
comment on column simple_queue.stats.completed is 'The job was completed.';
comment on column simple_queue.stats.retried is 'The attempt failed, and another one follows.';
comment on column simple_queue.stats.snoozed is 'The handler put the job off.';
comment on column simple_queue.stats.dead is 'The job failed for good.';
comment on column simple_queue.stats.cancelled is 'The job was cancelled.';
comment on column simple_queue.stats.wait_ms is 'Milliseconds from when the jobs were due to their claims, all runs together.';
comment on column simple_queue.stats.run_ms is 'Milliseconds that the handlers took, all runs together.';
comment on column simple_queue.stats.wait is 'The number of runs that waited below 1 ms, 2 ms, 4 ms, … The 24th has all from 2.3 h on; zeros at the end are left out.';
comment on column simple_queue.stats.run is 'As wait, of how long the handlers took.';
comment on column simple_queue.stats.waiting is 'Jobs of the queue that were due and not claimed, 10,001 at most, at the last look in the interval; null: no look.';
comment on column simple_queue.stats.later is 'As waiting, of jobs that were due later.';
comment on column simple_queue.stats.oldest_ms is 'For how long the oldest of the waiting jobs had been due.';

-- What operators did. The row of an act on one job is written in the act's own transaction; that of an act on many
-- jobs is also its progress, by which another process goes on with it.
create table simple_queue.audit (
    id         uuid        not null,
    actor      text        not null,
    action     text        not null,
    target     text        not null,
    job_id     uuid,
    arguments  jsonb,
    state      text        not null,
    looked_at  bigint      not null default 0,
    done       bigint      not null default 0,
    left_alone bigint      not null default 0,
    left_jobs  jsonb,
    cursor     uuid,
    note       text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    ended_at   timestamptz,
    constraint audit_pkey primary key (id),
    constraint state_is_known check (state in ('running', 'done', 'stopped', 'failed'))
) with (fillfactor = 70);

create index audit_job on simple_queue.audit (job_id, id) where job_id is not null;

create index audit_running on simple_queue.audit (updated_at) where state = 'running';

-- The janitor deletes the oldest rows first.
create index audit_created_at on simple_queue.audit (created_at);

comment on table simple_queue.audit is 'What operators did, an act a row, kept for 90 days. An act on many jobs goes on from its row.';
comment on column simple_queue.audit.id is 'UUID version 7, made by the client for the call.';
comment on column simple_queue.audit.actor is 'Who did it.';
comment on column simple_queue.audit.action is 'retry, cancel, delete, move (to another queue, priority or due time), edit, run_again or enqueue, of jobs; pause, resume, set, reset and others, of queues, limits and schedules.';
comment on column simple_queue.audit.target is 'To what: jobs or a queue, as a filter in its written form; limit:NAME; schedule:NAME.';
comment on column simple_queue.audit.job_id is 'The job, of an act on one.';
comment on column simple_queue.audit.arguments is 'What was asked for beside that. No value of a payload is in it.';
comment on column simple_queue.audit.state is 'running: it goes on, or a janitor goes on with it after a minute; done; stopped: by an operator; failed: it cannot be carried out.';
comment on column simple_queue.audit.looked_at is 'How many rows were looked at, at least.';
comment on column simple_queue.audit.done is 'To how many jobs it was done.';
comment on column simple_queue.audit.left_alone is 'How many jobs were left as they are.';
comment on column simple_queue.audit.left_jobs is 'The first hundred of those: [{"id": "…", "why": "key_taken", "other": "…"}].';
comment on column simple_queue.audit.cursor is 'The last id that an act on many jobs is done with; null: it is at its beginning.';
comment on column simple_queue.audit.note is 'Why it failed.';
comment on column simple_queue.audit.created_at is 'When it began. An act on many jobs is about what matched then.';
comment on column simple_queue.audit.updated_at is 'When it last went on.';
comment on column simple_queue.audit.ended_at is 'When it ended; null: it has not.';

-- The views use the reader's rights, so row-level security on the tables holds for them too.
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

comment on view simple_queue.all_jobs is 'All jobs of the three tables. For operators; the library reads the tables.';

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

comment on view simple_queue.jobs_overview is 'All jobs without payload, result, errors, reason, tags, metadata and keys: for readers who may not see those.';
