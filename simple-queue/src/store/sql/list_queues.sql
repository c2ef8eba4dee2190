-- list_queues
-- The names of the queues that are known: jobs wait in them, a process serves them, or they were paused once.
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
select known.name from (
    select queue.name collate "C" as name from queue where queue.name is not null
    union
    select unnest(w.queues) collate "C" from simple_queue.workers w
    union
    select q.name collate "C" from simple_queue.queues q
) known
order by known.name collate "C"
limit 1000
