-- resume_queue
-- Workers that sleep are told, because what waits there is due and nobody will enqueue it again.
with resumed as (
    update simple_queue.queues set paused_at = null, updated_at = now()
    where name = :queue and paused_at is not null
    returning name
)
select pg_notify(:channel, 'queue ' || name) from resumed
