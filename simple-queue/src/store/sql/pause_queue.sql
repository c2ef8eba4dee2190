-- pause_queue
-- Any name can be paused, a misspelt one too, so the answer contains what is known of the queue.
with paused as (
    insert into simple_queue.queues (name, paused_at) values (:queue, now())
    on conflict (name) do update set paused_at = coalesce(queues.paused_at, now()), updated_at = now()
    returning name
)
select exists (select from simple_queue.workers w where paused.name = any(w.queues)) as is_served,
    exists (
        select from simple_queue.jobs j where j.queue = paused.name and j.gate is null and j.held is null
    ) as has_jobs,
    exists (
        select from simple_queue.queues q where q.name = paused.name and q.paused_at is not null
    ) as was_paused
from paused
