-- rule
-- The limit of the visit, and the keys of which jobs have ended in this statement.
--
-- The clock is read once, and after the snapshot was taken. With now(), which is earlier, a job that is due since would
-- be taken for one that is not due yet, and its turn would be consumed.
--
-- needs: completed, worker; :rule, :queue
-- gives: instant (t), delayed (are_there), one row each; rule (most, is_paused, is_changed, turns_owed, drops), no row without a worker or a limit; freed
--     (gate, n, keeps_its_place)
, instant as materialized (
    select clock_timestamp() as t
)
\ir delayed.sql
, rule as materialized (
    -- A job takes a place only for a process that has a row: both come from this part.
    select case when l.paused_at is null then coalesce(l.concurrency_set, l.concurrency) else 0 end as most,
        exists (select from simple_queue.queues q where q.name = :queue and q.paused_at is not null) as is_paused,
        l.concurrency_set is not null
            or exists (select from simple_queue.limit_keys s where s.rule = l.name) as is_changed,
        l.turns_owed, coalesce(l.after_failure = 'drop', false) as drops
    from worker
    cross join simple_queue.limits l
    where l.name = :rule
), freed as materialized (
    -- A key that has more jobs running than allowed keeps no place: its limit was lowered, or what was set is reset.
    select ended.gate, ended.n, rule.most > 0 and not rule.is_paused and exists (
        select from simple_queue.gates g
        left join simple_queue.limit_keys s on s.gate = g.gate
        where g.gate = ended.gate and s.paused_at is null and g.running <= coalesce(s.concurrency, rule.most)
    ) as keeps_its_place
    from (
        select completed.gate, count(*)::integer as n from completed
        where completed.gate is not null
        group by completed.gate
    ) ended
    left join rule on true
)
