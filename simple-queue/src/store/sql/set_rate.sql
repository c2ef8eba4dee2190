-- set_rate
-- What is owed remains a number of tokens: it takes as long as they take at the new rate. Visits do so for each key.
with changed as (
    update simple_queue.limits l
    set rate_set = :rate_set::jsonb, updated_at = now(),
        tat = greatest(now(), now() + (l.tat - now())
            * ((:rate_set::jsonb->>'pace')::double precision / (coalesce(l.rate_set, l.rate)->>'pace')::double precision)),
        turns_owed = l.name like any (array['key:%', 'order:%'])
    -- An unknown time zone is refused here, and not where others would be held up.
    where l.name = :name and l.rate is not null and now() at time zone coalesce(:rate_set::jsonb->>'tz', 'UTC') is not null
    returning l.name
)
select pg_notify(:channel, 'limit ' || changed.name) from changed
