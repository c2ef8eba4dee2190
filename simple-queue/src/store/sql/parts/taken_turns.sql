-- taken_turns
-- Takes the turns of the gates that this statement has locked, and the places that they release.
--
-- Turns are never updated, so they may be deleted by ctid.
--
-- needs: instant; locked (gate); :rule
-- gives: released (gate, n)
, taken_turns as (
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
)
