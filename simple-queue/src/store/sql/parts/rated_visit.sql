-- rated_visit
-- Locks the gates of the keys that are visited, those of the ended jobs among them, reads their turns, and computes how
-- many jobs of each may start: as many as there are places and tokens.
--
-- needs: instant, rule, freed; :rule, :after, :permits, :needs
-- gives: rest (n), one row: the permits; ring (gate), later (gate), where turns are; wanted (gate), the keys to visit;
--     room (gate, back, before, free, n, waiting, is_new, tokens, burst, full_at, due, step, within, least_within,
--     start_within, until, held_until, wake_at), the visited keys; without a rate what belongs to it is null
, rest as materialized (
    select coalesce(max(case when not rule.is_paused then :permits::bigint end), 0) as n
    from rule
)
\ir ring.sql
, wanted as materialized (
    select ring.gate from ring
    union
    select later.gate from later
    union
    select freed.gate from freed
), locked as materialized (
    select wanted.gate, g.running, g.waiting, g.tat, g.step, g.start_within, g.wake_at, g.held_until
    from wanted
    cross join lateral (
        select g.running, g.waiting, g.tat, g.step, g.start_within, g.wake_at, g.held_until from simple_queue.gates g
        where g.gate = wanted.gate
        limit 1
        for update skip locked
    ) g
    -- A process without a row counts nothing, so it takes no turns either: its ends leave their places in turns.
    where exists (select from rule)
)
\ir taken_turns.sql
, room as materialized (
    select own.gate, own.back, own.running - own.back as before, own.waiting, own.is_new, own.wake_at,
        own.tat as full_at,
        own.most - own.running + own.back as free, k.tokens, r.burst, r.least_within, n.within, n.step, d.due,
        -- What starts in a window was taken in it.
        least(n.within, extract(epoch from r.until - own.at)::double precision) as start_within, r.until, own.held_until,
        greatest(0, least(own.most - own.running + own.back, k.tokens, (select rest.n from rest))) as n
    from (
        select place.*, (select instant.t from instant) as at, coalesce(s.rate, rule.rate) as rate,
            case
                when rule.most = 0 or s.paused_at is not null then 0 else coalesce(s.concurrency, rule.most)
            end as most
        from rule
        cross join (
            select locked.gate, coalesce(released.n, 0) + coalesce(freed.n, 0) as back, locked.running,
                locked.waiting, false as is_new, locked.tat, locked.step, locked.start_within, locked.wake_at,
                locked.held_until, :needs::double precision as needs
            from locked
            left join released on released.gate = locked.gate
            left join freed on freed.gate = locked.gate
            union all
            -- Its row is inserted after its jobs were picked, and only the process that inserts it claims them.
            select wanted.gate, 0, 0, false, true, null, null, null, null, null, 0 from wanted
            where not exists (select from simple_queue.gates g where g.gate = wanted.gate)
        ) place
        left join simple_queue.limit_keys s on s.gate = place.gate
    ) own
    \ir tokens_of_key.sql
)
