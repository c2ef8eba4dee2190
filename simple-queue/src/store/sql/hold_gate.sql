-- hold_gate
-- Moves the next token of the key of a running job to a time from now, as hold_rates does for a limit.
with own as materialized (
    select g.gate, now() as at, coalesce(s.rate, declared.rate_set, declared.rate) as rate, g.tat, g.step,
        g.start_within, g.held_until, 0::double precision as needs
    from simple_queue.jobs j
    join simple_queue.gates g on g.gate = j.gate
    join simple_queue.limits declared on declared.name = g.rule
    left join simple_queue.limit_keys s on s.gate = g.gate
    where j.id = :job_id
    for update of g
)
update simple_queue.gates g
set tat = case when counted.until is null then greatest(
        counted.due, now() + :after::interval + make_interval(secs => (counted.burst - 1) * counted.step)
    ) else counted.due end,
    step = counted.step,
    held_until = case when counted.until is not null then greatest(g.held_until, now() + :after) end
from (
    select own.gate, d.due, r.burst, r.until, n.step
    from own
    \ir parts/tokens_of_key.sql
) counted
where g.gate = counted.gate and counted.step is not null
