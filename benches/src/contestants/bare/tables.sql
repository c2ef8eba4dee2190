-- The schema of the prototype, with the uuid keys that the library has.
create table job (
    id           uuid        primary key,
    queue_id     smallint    not null,
    priority     smallint    not null,
    attempt      smallint    not null default 0,
    max_attempts smallint    not null default 5,
    -- The process that runs it. In no index and in no index's predicate, which keeps the claim HOT.
    lease        integer,
    run_at       timestamptz not null default now(),
    created_at   timestamptz not null default now(),
    leased_at    timestamptz,
    kind         text        not null,
    payload      jsonb       not null
) with (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

create index job_fetch on job (queue_id, priority, run_at, id);

create table finished_job (
    id          uuid        not null,
    finished_at timestamptz not null,
    queue_id    smallint    not null,
    priority    smallint    not null,
    attempt     smallint    not null,
    created_at  timestamptz not null,
    kind        text        not null,
    payload     jsonb       not null,
    primary key (id, finished_at)
);
