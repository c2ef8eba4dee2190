-- dropped_turns
-- Drops the turns that lead to nothing: those of a new gate, whose jobs were counted, and those of a key without a gate of
-- which no job can start now, unless for lack of permits. A release belongs to a gate, and is read only under its lock.
--
-- needs: instant; rest (n); picked; made (gate); seen (gate, is_new, n, again, free); :rule
-- gives: dropped_turns (gate)
, dropped_turns as (
    delete from simple_queue.turns t
    where t.ctid = any (array(
        select turn.ctid
        from (
            select made.gate, true as with_releases from made
            union all
            select seen.gate, false from seen
            where seen.is_new and seen.n = 0
                and (
                    seen.again is null or seen.again > (select instant.t from instant) or seen.free <= 0
                    or (select count(*) from picked) < (select rest.n from rest)
                )
        ) gone
        cross join lateral (
            select t.ctid from simple_queue.turns t
            where t.rule = :rule and t.gate = gone.gate
                and (t.due_at is null or t.due_at <= (select instant.t from instant))
                and (gone.with_releases or t.released = 0)
            limit 1000
            for update skip locked
        ) turn
    ))
    returning t.gate
)
