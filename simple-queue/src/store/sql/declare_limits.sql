-- declare_limits
-- Records the limits that a process declares, and gives it an empty quota of each. A quota exists before it is
-- balanced, so that its row can be locked.
with worker as materialized (
    select id from simple_queue.workers where id = :worker_id for key share
), declared as (
    insert into simple_queue.limits (name, concurrency)
    select d.name, d.concurrency from unnest(:names::text[], :concurrencies::integer[]) as d (name, concurrency)
    order by d.name collate "C"
    on conflict (name) do update set concurrency = excluded.concurrency, updated_at = now()
        where limits.concurrency <> excluded.concurrency
    returning name
), shared as (
    insert into simple_queue.quotas (limit_name, worker_id)
    select d.name, worker.id from worker cross join unnest(:names::text[]) as d (name)
    order by d.name collate "C"
    on conflict do nothing
)
select declared.name, pg_notify(:channel, 'limit ' || declared.name) from declared
