-- list_unhandled_kinds
-- Kinds of jobs that have been due in these queues for 30 s and that this process does not run. Paused queues are
-- excluded.
with recursive asked as materialized (
    select d.queue, d.kinds from jsonb_to_recordset(:served) as d (queue text, kinds text[])
    where not exists (
        select from simple_queue.queues q where q.name = d.queue and q.paused_at is not null
    )
), lane (queue, priority) as (
    select asked.queue, first.priority
    from asked
    cross join lateral (
        select j.priority from simple_queue.jobs j
        where j.queue = asked.queue and j.gate is null and j.held is null
        order by j.priority limit 1
    ) first
    union all
    select lane.queue, next.priority
    from lane
    cross join lateral (
        select j.priority from simple_queue.jobs j
        where j.queue = lane.queue and j.priority > lane.priority
            and j.gate is null and j.held is null
        order by j.priority limit 1
    ) next
)
\ir parts/waiting_keys.sql
, waiting as (
    select asked.queue, waiting.kind, waiting.run_at
    from asked
    join lane on lane.queue = asked.queue
    cross join lateral (
        select left(j.kind, 512) as kind, j.run_at from simple_queue.jobs j
        where j.queue = asked.queue and j.priority = lane.priority
            and j.gate is null and j.held is null and j.run_at < now() - interval '30 s' and j.worker_id is null
            and j.kind <> all (asked.kinds)
        order by j.run_at
        limit 100
    ) waiting
    union all
    select asked.queue, key.kind, key.since
    from asked
    join waiting_keys key on key.queue = asked.queue and key.kind <> all (asked.kinds)
)
select waiting.queue, waiting.kind, min(waiting.run_at) as since
from waiting
group by waiting.queue, waiting.kind
order by waiting.queue collate "C", waiting.kind collate "C"
