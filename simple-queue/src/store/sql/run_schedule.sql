-- run_schedule
-- Inserts a job of a schedule now, beside its ticks. One that may not overlap with an earlier job waits as a tick does.
--
-- The job's id is derived from :at, as a tick's is from the tick, so a call that is repeated does nothing new.
with won as materialized (
    select s.name, s.overlap, s.queue, s.kind, s.priority, s.job_data, s.max_attempts, s.unique_key, s.fingerprint,
        s.expires_after, s.tags, s.version, s.retain, s.timeout, s.metadata, s.gate, s.cost, s.last_at
    from simple_queue.schedules s
    where s.name = :name
    for update
), known as (
    select
        exists (select from simple_queue.jobs j where j.id = :id)
        or exists (select from simple_queue.archive a where a.id = :id)
        or exists (select from simple_queue.dead_letters d where d.id = :id) as is_known
), ticks as materialized (
    select won.*, :id::uuid as id, :at::timestamptz as at, coalesce(won.last_at, :at) as since
    from won, known
    where won.overlap <> 'queue' and not known.is_known
)
\ir parts/tick_jobs.sql
, waits as (
    update simple_queue.schedules s set waiting = s.waiting || :at::timestamptz
    from won, known
    where s.name = won.name and won.overlap = 'queue' and not known.is_known
        and :at <> all (coalesce(s.waiting, '{}'))
    returning s.name
), touched as (
    select distinct queue from inserted
)
\ir parts/notified.sql
select won.unique_key, known.is_known or won.overlap = 'queue' or exists (select from inserted) as is_there,
    (select count(*) from notified) as notified,
    case when exists (select from waits) then pg_notify(:channel, 'schedule ' || won.name) end as told
from won, known
