-- release_ticks
-- Inserts the jobs of ticks that waited for an earlier job to end, each if no other process has done it since it was
-- read: the first waiting tick is compared and taken.
--
-- A job that this statement does not see has ended, because the schedule was read after it was inserted. Where another
-- one was inserted meanwhile, another tick is the first.
with ticks as materialized (
    select s.name, s.queue, s.kind, s.priority, s.job_data, s.max_attempts, s.unique_key, s.fingerprint,
        s.expires_after, s.tags, s.version, s.retain, s.timeout, s.metadata, s.gate, s.cost, t.id, t.at, t.since
    from unnest(:ticks::text[], :ids::uuid[], :ats::timestamptz[], :sinces::timestamptz[]) as t (name, id, at, since)
    join simple_queue.schedules s on s.name = t.name and s.waiting[1] = t.at
    where s.paused_at is null and not exists (select from simple_queue.jobs j where j.id = s.last_job)
    order by s.name collate "C"
    for update of s skip locked
)
\ir parts/tick_jobs.sql
, moves as materialized (
    select known.name, max(known.at) as at, (array_agg(known.id) filter (where known.id is not null))[1] as id
    from (
        select ticks.name, null::timestamptz as at, null::uuid as id from ticks
        union all
        select inserted.name, inserted.at, inserted.id from inserted
    ) known
    group by known.name
), moved as (
    update simple_queue.schedules s
    set waiting = nullif(s.waiting[2:], '{}'), last_at = greatest(m.at, s.last_at), last_job = coalesce(m.id, s.last_job)
    from moves m
    where s.name = m.name
    returning s.name, cardinality(s.waiting) as waiting
), touched as (
    select distinct queue from inserted
)
\ir parts/notified.sql
select moved.name, moved.waiting, (select count(*) from inserted) as inserted,
    (select count(*) from notified) as notified
from moved
