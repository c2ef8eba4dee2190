-- pause_kind
-- As pause_queue, for one kind of the queue. Workers leave it out when they have heard of it.
with paused as (
    insert into simple_queue.paused_kinds (queue, kind, resume_at, reason, paused_by)
    values (:queue, :kind, coalesce(:resume_at::timestamptz, now() + :resume_after::interval), :reason, :paused_by)
    on conflict (queue, kind) do update
    set resume_at = excluded.resume_at, reason = excluded.reason, paused_by = excluded.paused_by
    returning queue as name
), notified as (
    select pg_notify(:channel, 'pause ' || paused.name) from paused
)
select
    \ir parts/known_queue.sql
    exists (
        select from simple_queue.paused_kinds p where p.queue = :queue and p.kind = :kind
    ) as was_paused
from paused
cross join notified
