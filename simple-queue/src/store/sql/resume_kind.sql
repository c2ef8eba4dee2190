-- resume_kind
with resumed as (
    delete from simple_queue.paused_kinds where queue = :queue and kind = :kind
    returning queue
)
select pg_notify(:channel, 'pause ' || queue) from resumed
