-- declare_key_limits
-- Records the limits for each key that a process declares. A number that rises lets more jobs start, so turns are owed:
-- a later statement, which sees every job that a visit under the old number passed over, writes them.
with declared as (
    insert into simple_queue.limits (name, concurrency, after_failure)
    select d.name, d.concurrency, d.after_failure
    from unnest(:names::text[], :concurrencies::integer[], :after_failures::text[]) as d (name, concurrency, after_failure)
    order by d.name collate "C"
    on conflict (name) do update
    set concurrency = excluded.concurrency, after_failure = excluded.after_failure, updated_at = now(),
        turns_owed = limits.turns_owed or excluded.concurrency > limits.concurrency
    where limits.concurrency <> excluded.concurrency or limits.after_failure is distinct from excluded.after_failure
    returning name
)
select declared.name from declared
