-- resume_queue
-- Notifies sleeping workers, because jobs that wait in the queue are due and no enqueue will notify for them.
with resumed as (
    update simple_queue.queues
    set paused_at = null, resume_at = null, reason = null, paused_by = null, updated_at = now()
    where name = :queue and paused_at is not null
    returning name
)
select pg_notify(:channel, 'queue ' || name) from resumed
