-- list_unhandled_queues
-- Queues in which a job has been due for 30 s and that no process serves. Paused queues are excluded.
with recursive queue (name) as (
    (
        select j.queue from simple_queue.jobs j
        where j.gate is null and j.held is null
        order by j.queue limit 1
    )
    union all
    select (
        select j.queue from simple_queue.jobs j
        where j.queue > queue.name and j.gate is null and j.held is null
        order by j.queue limit 1
    )
    from queue where queue.name is not null
)
\ir parts/waiting_keys.sql
select found.queue, min(found.since) as since
from (
    select queue.name as queue, waiting.run_at as since
    from queue
    cross join lateral (
        select first.run_at
        from (
            select j.run_at, j.worker_id from simple_queue.jobs j
            where j.queue = queue.name and j.gate is null and j.held is null
            order by j.priority, j.run_at
            limit 100
        ) first
        where first.worker_id is null and first.run_at < now() - interval '30 s'
        limit 1
    ) waiting
    union all
    select key.queue, key.since from waiting_keys key
) found
where not exists (select from simple_queue.workers w where found.queue = any (w.queues))
    and not exists (
        select from simple_queue.queues q where q.name = found.queue and q.paused_at is not null
    )
group by found.queue
limit 100
