-- tokens_of_key
-- The tokens of a key, as take_tokens counts those of a limit. `due` is when all of them are there again: what is owed
-- remains a number of tokens where the rate has changed, and where jobs get more time to start, no token comes for the
-- difference. A key whose row is gone has had all of them for that long.
--
-- needs: own (at, rate, tat, step, start_within, held_until, needs), one row for each key; `needs` is more than the rate has, or 0
-- gives: r (burst, least_within, until), n (within, step), d (due), null without a rate; k (tokens)
cross join lateral (
    select null::jsonb as rate_set, own.rate, own.start_within
) as l
\ir rate.sql
cross join lateral (
    select grown.within, r.step + coalesce((grown.within - r.within) / r.spread, 0) as step
    from (select case when r.within is not null then greatest(r.within, own.needs) end as within) as grown
) as n
cross join lateral (
    select f.since + (greatest(own.tat, f.since) - f.since) * (n.step / coalesce(own.step, n.step))
        + make_interval(secs => case when r.spread is null then 0 else n.within - r.within end) as due, f.since
    from (select coalesce(r.until, own.at) as since) f
) as d
cross join lateral (
    select case
        when n.step is null then 2147483647
        when own.held_until > own.at then 0
        else greatest(0, floor(
            extract(epoch from d.since - d.due)::double precision / n.step + r.burst + r.slack
        ))::integer
    end as tokens
) as k
