-- visited
-- Locks the gates of the keys that are visited, reads their turns, and computes how many jobs of each may start.
--
-- Rows that were locked are changed by their primary key: a ctid that was read under a lock is that of the newest
-- version, which a scan by ctid with this statement's older snapshot does not see. Turns are never updated, so they may
-- be deleted by ctid.
--
-- needs: instant, rule, freed; handed (gate, id); :rule, :after, :permits
-- gives: rest (n), one row: the permits that are left; ring (gate), later (gate), where turns are; dry (gate, n, running, waiting), keys without a
--     next job; room (gate, back, before, free, n, waiting, is_new), the visited keys
, back as materialized (
    select freed.gate, freed.n - count(handed.id)::integer as n
    from freed
    left join handed on handed.gate = freed.gate
    group by freed.gate, freed.n
    having freed.n > count(handed.id)
), rest as materialized (
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
), ring as materialized (
    -- One index descent for each key that has a turn, however many turns it has.
    with recursive step (gate, n) as (
        select (
            select t.gate from simple_queue.turns t
            where t.rule = :rule and t.due_at is null and t.gate > :after and (select rest.n from rest) > 0
            order by t.gate
            limit 1
        ), 1
        union all
        select (
            select t.gate from simple_queue.turns t
            where t.rule = :rule and t.due_at is null and t.gate > step.gate
            order by t.gate
            limit 1
        ), step.n + 1
        from step
        where step.gate is not null and step.n < (select rest.n from rest)
    )
    select step.gate from step where step.gate is not null
), later as materialized (
    -- 64, upper bound of the turns that have become due, in one visit. Those that another transaction has locked, for
    -- example an open cancellation, hide no others.
    select due.gate
    from (
        select t.gate from simple_queue.turns t
        where t.rule = :rule and t.due_at <= (select instant.t from instant)
        order by t.due_at
        limit 64
        for update skip locked
    ) due
    limit (select rest.n from rest)
), wanted as materialized (
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
), taken_turns as (
    delete from simple_queue.turns t
    where t.ctid = any (array(
        select turn.ctid
        from locked
        cross join lateral (
            select t.ctid from simple_queue.turns t
            where t.rule = :rule and t.gate = locked.gate
                and (t.due_at is null or t.due_at <= (select instant.t from instant))
            limit 1000
            for update skip locked
        ) turn
    ))
    returning t.gate, t.released
), released as materialized (
    select taken_turns.gate, sum(taken_turns.released)::integer as n from taken_turns
    where taken_turns.released > 0
    group by taken_turns.gate
), room as materialized (
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
