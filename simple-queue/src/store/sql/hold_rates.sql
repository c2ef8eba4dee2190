-- hold_rates
-- Moves the next token of each of these limits to a time from now. From then on they come one by one: what refused the
-- jobs should not meet a burst first. Those of a window of the calendar are only put off.
with locked as materialized (
    select l.name, r.*
    from simple_queue.limits l
    \ir parts/rate.sql
    where l.name = any (:names) and l.rate is not null
    order by l.name collate "C"
    for update of l
)
update simple_queue.limits l
set tat = case when locked.until is null then greatest(
        l.tat, now() + :after::interval + make_interval(secs => (locked.burst - 1) * locked.step)
    ) else l.tat end,
    held_until = case when locked.until is not null then greatest(l.held_until, now() + :after) end
from locked
where l.name = locked.name
