-- end_pauses
-- Ends the pauses whose time is over. A row that another process is ending is left to it.
with over as materialized (
    select q.name from simple_queue.queues q
    where q.resume_at <= now()
    order by q.name collate "C"
    for update skip locked
), resumed as (
    update simple_queue.queues q
    set paused_at = null, resume_at = null, reason = null, paused_by = null, updated_at = now()
    from over
    where q.name = over.name
    returning q.name
), over_kinds as materialized (
    select p.queue, p.kind from simple_queue.paused_kinds p
    where p.resume_at <= now()
    order by p.queue collate "C", p.kind collate "C"
    for update skip locked
), resumed_kinds as (
    delete from simple_queue.paused_kinds p
    using over_kinds over
    where p.queue = over.queue and p.kind = over.kind
    returning p.queue
)
select pg_notify(:channel, 'queue ' || resumed.name) from resumed
union all
select pg_notify(:channel, 'pause ' || resumed_kinds.queue) from resumed_kinds
