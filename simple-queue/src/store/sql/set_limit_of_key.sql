-- set_limit_of_key
-- Sets the number, the rate or the weight of one key of a limit, or whether it is paused; what is null here stays as it is, and with
-- all null what the limit says holds again. Turns are owed in any case: a later statement writes them.
with owing as (
    update simple_queue.limits l set turns_owed = true
    where l.name = split_part(:gate, '#', 1)
        and (:concurrency::integer is null or l.concurrency is not null) and (:rate::jsonb is null or l.rate is not null)
        and now() at time zone coalesce(:rate->>'tz', 'UTC') is not null
        and (:weight::integer is null or l.name like 'fair:%')
    returning l.name
), reset as (
    delete from simple_queue.limit_keys s
    where s.gate = :gate and :concurrency is null and :rate is null and :weight is null and (
        :paused::boolean is null or (not :paused and s.concurrency is null and s.rate is null and s.weight is null)
    )
), changed as (
    insert into simple_queue.limit_keys (gate, rule, concurrency, rate, weight, paused_at)
    select :gate, owing.name, :concurrency, :rate, :weight, case when :paused then now() end from owing
    where :concurrency is not null or :rate is not null or :weight is not null or :paused
    on conflict (gate) do update
    set concurrency = coalesce(excluded.concurrency, limit_keys.concurrency),
        rate = coalesce(excluded.rate, limit_keys.rate),
        weight = coalesce(excluded.weight, limit_keys.weight),
        paused_at = case when coalesce(:paused, limit_keys.paused_at is not null)
            then coalesce(limit_keys.paused_at, now())
        end,
        updated_at = now()
), resumed as (
    update simple_queue.limit_keys s set paused_at = null, updated_at = now()
    where s.gate = :gate and not :paused and :concurrency is null and :rate is null and :weight is null
        and (s.concurrency is not null or s.rate is not null or s.weight is not null)
)
select pg_notify(:channel, 'limit ' || owing.name) from owing
