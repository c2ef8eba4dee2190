-- pause_limit
with changed as (
    update simple_queue.limits l
    set paused_at = case when :paused then coalesce(l.paused_at, now()) end, updated_at = now(),
        turns_owed = l.name like any (array['key:%', 'order:%'])
    where l.name = :name
    returning l.name
)
select pg_notify(:channel, 'limit ' || changed.name) from changed
