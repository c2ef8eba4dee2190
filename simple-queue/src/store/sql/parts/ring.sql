-- ring
-- The keys that have turns, as many as there are permits left: those after :after in the order of their names, and those
-- whose turns have become due.
--
-- needs: instant; rest (n), one row; :rule, :after
-- gives: ring (gate), later (gate), where turns are
, ring as materialized (
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
)
