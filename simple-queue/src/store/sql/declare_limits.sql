-- declare_limits
-- Records the limits that a process declares, and gives it an empty quota of each that has permits. A quota exists
-- before it is balanced, so that its row can be locked.
with worker as materialized (
    select id from simple_queue.workers where id = :worker_id for key share
), given as (
    select d.name, d.concurrency, d.rate
    from unnest(:names::text[], :concurrencies::integer[], :rates::jsonb[]) as d (name, concurrency, rate)
    -- An unknown time zone is refused here, and not where others would be held up.
    where now() at time zone coalesce(d.rate->>'tz', 'UTC') is not null
), declared as (
    insert into simple_queue.limits (name, concurrency, rate)
    select given.name, given.concurrency, given.rate from given
    order by given.name collate "C"
    on conflict (name) do update
        set concurrency = excluded.concurrency, rate = excluded.rate, updated_at = now(),
            -- As in set_rate, what is owed remains a number of tokens. A limit without a rate owes none.
            tat = case when limits.rate_set is null then greatest(now(), now() + (limits.tat - now())
                * ((excluded.rate->>'pace')::double precision / (limits.rate->>'pace')::double precision)) else limits.tat end
        where limits.concurrency is distinct from excluded.concurrency or limits.rate is distinct from excluded.rate
    returning name
), shared as (
    insert into simple_queue.quotas (limit_name, worker_id)
    select given.name, worker.id from worker cross join given
    where given.concurrency is not null
    order by given.name collate "C"
    on conflict do nothing
)
select declared.name, pg_notify(:channel, 'limit ' || declared.name) from declared
