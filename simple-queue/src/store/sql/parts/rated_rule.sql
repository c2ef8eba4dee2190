-- rated_rule
-- The limit of the visit, and the keys of which jobs have ended in this statement. As in `rule`, the clock is read after
-- the snapshot.
--
-- needs: completed, worker; :rule, :queue
-- gives: instant (t), delayed (are_there), one row each; rule (most, rate, is_paused, turns_owed, drops), no row without a worker or a limit; freed
--     (gate, n)
, instant as materialized (
    select clock_timestamp() as t
)
\ir delayed.sql
, rule as materialized (
    -- A job takes a place and a token only for a process that has a row: both come from this part.
    select case
            when l.paused_at is null then coalesce(l.concurrency_set, l.concurrency, 2147483647) else 0
        end as most,
        coalesce(l.rate_set, l.rate) as rate,
        exists (select from simple_queue.queues q where q.name = :queue and q.paused_at is not null) as is_paused,
        l.turns_owed, coalesce(l.after_failure = 'drop', false) as drops
    from worker
    cross join simple_queue.limits l
    where l.name = :rule
), freed as materialized (
    select completed.gate, count(*)::integer as n from completed
    where completed.gate is not null
    group by completed.gate
)
