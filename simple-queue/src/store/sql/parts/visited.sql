-- visited
-- Locks the gates of the keys that are visited, reads their turns, and computes how many jobs of each may start.
--
-- Rows that were locked are changed by their primary key: a ctid that was read under a lock is that of the newest
-- version, which a scan by ctid with this statement's older snapshot does not see.
--
-- needs: instant, rule, freed; handed (gate, id); :rule, :after, :permits
-- gives: rest (n), one row: the permits that are left; ring (gate), later (gate), where turns are; dry (gate, n, running, waiting), keys without a
--     next job; room (gate, back, before, free, n, waiting, is_new), the visited keys
\ir back.sql
, rest as materialized (
    select coalesce(max(case when not rule.is_paused then :permits - (select count(*) from handed) end), 0) as n
    from rule
), dry as materialized (
    select back.gate, back.n, g.running, g.waiting
    from back
    cross join lateral (
        select g.running, g.waiting from simple_queue.gates g where g.gate = back.gate
        limit 1
        for update skip locked
    ) g
)
\ir ring.sql
, wanted as materialized (
    select visited.gate
    from (
        select ring.gate from ring
        union
        select later.gate from later
    ) visited
    where visited.gate <> all (array(select freed.gate from freed))
), locked as materialized (
    select wanted.gate, g.running, g.waiting
    from wanted
    cross join lateral (
        select g.running, g.waiting from simple_queue.gates g where g.gate = wanted.gate
        limit 1
        for update skip locked
    ) g
)
\ir taken_turns.sql
, room as materialized (
    select counted.*, greatest(0, least(counted.free, (select rest.n from rest))) as n
    from (
        select place.gate, place.back, place.running - place.back as before, place.waiting, place.is_new,
            case
                when rule.most = 0 then 0
                when not rule.is_changed then rule.most
                else coalesce((
                    select case when s.paused_at is null then coalesce(s.concurrency, rule.most) else 0 end
                    from simple_queue.limit_keys s where s.gate = place.gate
                ), rule.most)
            end - place.running + place.back as free
        from rule
        cross join (
            select locked.gate, coalesce(released.n, 0) as back, locked.running, locked.waiting, false as is_new
            from locked
            left join released on released.gate = locked.gate
            union all
            -- Its row is inserted after its jobs were picked, and only the process that inserts it claims them.
            select wanted.gate, 0, 0, false, true from wanted
            where not exists (select from simple_queue.gates g where g.gate = wanted.gate)
        ) place
    ) counted
)
