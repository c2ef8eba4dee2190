-- run_schedule
-- Inserts a job of a schedule now, beside its ticks. One that may not overlap with an earlier job waits as a tick does.
with won as materialized (
    select s.name, s.overlap, s.queue, s.kind, s.priority, s.job_data, s.max_attempts, s.unique_key, s.fingerprint,
        s.expires_after, s.tags, s.version, s.retain, s.timeout, s.metadata, s.gate, s.last_at
    from simple_queue.schedules s
    where s.name = :name
    for update
), known as (
    select
        exists (select from simple_queue.jobs j where j.id = :id)
        or exists (select from simple_queue.archive a where a.id = :id)
        or exists (select from simple_queue.dead_letters d where d.id = :id) as is_known
), ticks as materialized (
    select won.*, :id::uuid as id, now() as at, coalesce(won.last_at, now()) as since
    from won, known
    where won.overlap <> 'queue' and not known.is_known
)
\ir parts/tick_jobs.sql
, waits as (
    update simple_queue.schedules s set waiting = s.waiting || now()
    from won
    where s.name = won.name and won.overlap = 'queue'
    returning s.name
), touched as (
    select distinct queue from inserted
)
\ir parts/notified.sql
select won.unique_key, now() as now, known.is_known, exists (select from waits) as waits,
    exists (select from inserted) as is_inserted, (select count(*) from notified) as notified,
    case when exists (select from waits) then pg_notify(:channel, 'schedule ' || won.name) end as told
from won, known
