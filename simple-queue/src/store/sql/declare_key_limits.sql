-- declare_key_limits
-- Records the limits for each key that a process declares. A number that rises, and another rate, let more jobs start,
-- so turns are owed: a later statement, which sees every job that a visit passed over before, writes them.
with declared as (
    insert into simple_queue.limits (name, concurrency, rate, after_failure)
    select d.name, d.concurrency, d.rate, d.after_failure
    from unnest(:names::text[], :concurrencies::integer[], :rates::jsonb[], :after_failures::text[])
        as d (name, concurrency, rate, after_failure)
    where now() at time zone coalesce(d.rate->>'tz', 'UTC') is not null
    order by d.name collate "C"
    on conflict (name) do update
    set concurrency = excluded.concurrency, rate = excluded.rate, after_failure = excluded.after_failure,
        updated_at = now(),
        turns_owed = limits.turns_owed
            or coalesce(excluded.concurrency > limits.concurrency, excluded.concurrency is null)
            or excluded.rate is distinct from limits.rate
    where limits.concurrency is distinct from excluded.concurrency or limits.rate is distinct from excluded.rate
        or limits.after_failure is distinct from excluded.after_failure
    returning name
)
select declared.name from declared
