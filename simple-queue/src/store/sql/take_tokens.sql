-- take_tokens
-- Takes tokens of rates: of each limit up to `wanted`, as far as there are any, after giving back `unused` ones.
--
-- `tat` is the time at which all tokens of the burst are there again. All that decides is in the row of the limit,
-- which is locked and read in its newest version. now() may be earlier than that of the statement before, which waited
-- less for the lock; the rule holds in any order.
--
-- Tokens are given back only if `tat` is still the one that their taker left: then none was taken since, and all is as
-- if the unused ones had not been taken either. Otherwise they are lost: some of what others took since may have been
-- granted because of them.
--
-- A process whose jobs do not start in the time of their tokens asks for more, `needs`. The time grows at once, and
-- shrinks when none has asked for more for a minute. Tokens of two times never make a window too full, because the
-- difference passes without a token in between.
with asked as (
    select asked.name, asked.wanted, asked.unused, asked.mark, asked.needs
    from unnest(
        :names::text[], :wanted::integer[], :unused::integer[], :marks::timestamptz[], :needs::double precision[]
    ) as asked (name, wanted, unused, mark, needs)
), locked as materialized (
    select l.name, l.tat, l.late_at, l.paused_at is not null as is_paused,
        l.held_until > now() as is_held, coalesce(r.until, now()) as counted_from, r.*, l.held_until
    from simple_queue.limits l
    \ir parts/rate.sql
    where l.name = any (:names) and l.rate is not null
    order by l.name collate "C"
    for update of l
), returned as (
    select l.*, asked.wanted, asked.needs, greatest(l.counted_from, case
        when l.tat = asked.mark then l.tat - make_interval(secs => floor(asked.unused * l.step * 1e6) / 1e6)
        else l.tat
    end) as rest
    from locked l
    join asked on asked.name = l.name
), fitted as (
    select r.*, case
        when r.needs > r.within then r.needs
        when r.within > r.least_within and r.late_at < now() - interval '1 min' then
            greatest(r.least_within, r.needs)
        else r.within
    end as start_within
    from returned r
), counted as (
    -- The tokens that are missing in the bucket come at the new pace.
    select f.name, f.tat, f.is_paused, f.is_held, f.held_until, f.counted_from, f.until, f.slack, f.burst, f.wanted, f.needs,
        f.least_within, f.within, f.start_within, n.step,
        f.counted_from + (f.rest - f.counted_from) * (n.step / f.step)
            + make_interval(secs => case when f.spread is null then 0 else abs(f.start_within - f.within) end) as due
    from fitted f
    cross join lateral (
        select f.step + coalesce((f.start_within - f.within) / f.spread, 0) as step
    ) as n
), decided as (
    select c.*, case
        when c.is_paused or c.is_held then 0
        else least(c.wanted, greatest(0, floor(
            extract(epoch from c.counted_from - c.due)::double precision / c.step + c.burst + c.slack
        )))
    end::integer as taken
    from counted c
), marked as (
    -- Rounded up to the microseconds of a time.
    select d.*, d.due + make_interval(secs => ceil(d.taken * d.step * 1e6) / 1e6) as mark
    from decided d
), written as (
    update simple_queue.limits l
    set tat = m.mark, start_within = nullif(m.start_within, m.least_within),
        late_at = case when m.needs > m.least_within then now() else l.late_at end
    from marked m
    where l.name = m.name
        -- A full bucket needs no time.
        and (m.taken > 0 or m.tat is distinct from m.mark and m.tat > now() or m.start_within <> m.within)
)
select m.name, m.taken, m.mark,
    -- What starts in a window was taken in it.
    least(m.start_within, extract(epoch from m.until - now())::double precision) as start_within,
    -- Until the wanted tokens are there, or half of the burst: with fewer at a time there would be more statements, and
    -- with more the bucket might be full in between.
    case when m.is_paused then null when m.is_held or m.until is not null then
        extract(epoch from coalesce(case when m.is_held then m.held_until end, m.until) - now())::double precision
    else greatest(0,
        extract(epoch from m.mark - now())::double precision
            - (m.burst - greatest(1, least(m.wanted - m.taken, m.burst / 2))) * m.step
    ) end as wait
from marked m
