-- pause_queue
-- Any name can be paused, a misspelt one too, so the answer contains what is known of the queue.
with paused as (
    insert into simple_queue.queues (name, paused_at, resume_at, reason, paused_by)
    values (:queue, now(), coalesce(:resume_at::timestamptz, now() + :resume_after::interval), :reason, :paused_by)
    on conflict (name) do update
    set paused_at = coalesce(queues.paused_at, now()), resume_at = excluded.resume_at, reason = excluded.reason,
        paused_by = excluded.paused_by, updated_at = now()
    returning name
)
select
    \ir parts/known_queue.sql
    exists (
        select from simple_queue.queues q where q.name = paused.name and q.paused_at is not null
    ) as was_paused
from paused
