-- reset_limit
-- As in set_rate, what is owed remains a number of tokens.
with changed as (
    update simple_queue.limits l
    set concurrency_set = null, rate_set = null, updated_at = now(),
        -- Read for limits that hold for each key only.
        turns_owed = l.name like any (array['key:%', 'order:%']),
        tat = greatest(now(), now() + (l.tat - now())
            * ((l.rate->>'pace')::double precision / (coalesce(l.rate_set, l.rate)->>'pace')::double precision))
    where l.name = :name
    returning l.name
)
select pg_notify(:channel, 'limit ' || changed.name) from changed
