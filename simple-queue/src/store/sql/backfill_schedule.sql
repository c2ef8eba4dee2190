-- backfill_schedule
-- Inserts the jobs of ticks in the past, but for those whose job is known already. The schedule itself is past them,
-- or is paused, so no tick gets two.
with won as materialized (
    select s.name, s.overlap, s.queue, s.kind, s.priority, s.job_data, s.max_attempts, s.unique_key, s.fingerprint,
        s.expires_after, s.tags, s.version, s.retain, s.timeout, s.metadata, s.gate, s.cost
    from simple_queue.schedules s
    where s.name = :name and (s.next_at > :last or s.paused_at is not null)
    for update
), due as materialized (
    select won.*, t.id, t.at, t.since
    from won
    cross join unnest(:ids::uuid[], :ats::timestamptz[], :sinces::timestamptz[]) as t (id, at, since)
    where not exists (select from simple_queue.jobs j where j.id = t.id)
        and not exists (select from simple_queue.archive a where a.id = t.id)
        and not exists (select from simple_queue.dead_letters d where d.id = t.id)
), ticks as materialized (
    select due.* from due where due.overlap <> 'queue'
)
\ir parts/tick_jobs.sql
, added as materialized (
    select due.name, array_agg(due.at) as ats from due where due.overlap = 'queue' group by due.name
), waits as (
    update simple_queue.schedules s
    set waiting = array(select distinct t.at from unnest(s.waiting || added.ats) as t (at) order by t.at)
    from added
    where s.name = added.name
    returning cardinality(s.waiting) as waiting
), touched as (
    select distinct queue from inserted
)
\ir parts/notified.sql
select won.name, (select count(*) from inserted) + (select count(*) from due where due.overlap = 'queue') as enqueued,
    (select count(*) from notified) as notified,
    case when exists (select from waits) then pg_notify(:channel, 'schedule ' || won.name) end as told
from won
