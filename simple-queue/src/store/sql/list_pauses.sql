-- list_pauses
-- What is paused: queues, and kinds of queues.
select paused.queue, paused.kind, paused.paused_at, paused.resume_at, paused.reason, paused.paused_by
from (
    select q.name as queue, null as kind, q.paused_at, q.resume_at, q.reason, q.paused_by
    from simple_queue.queues q
    where q.paused_at is not null
    union all
    select p.queue, p.kind, p.paused_at, p.resume_at, p.reason, p.paused_by
    from simple_queue.paused_kinds p
) paused
order by paused.queue collate "C", paused.kind collate "C" nulls first
