-- set_limit
with changed as (
    update simple_queue.limits l set concurrency_set = :concurrency_set, updated_at = now(),
        -- Read for limits that hold for each key only.
        turns_owed = l.name like 'key:%'
    where l.name = :name and l.concurrency is not null
    returning l.name
)
select pg_notify(:channel, 'limit ' || changed.name) from changed
