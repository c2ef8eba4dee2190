-- hold_rates
-- Moves the next token of each of these limits to a time from now. From then on they come one by one: what refused the
-- jobs should not meet a burst first.
with locked as materialized (
    select l.name, r.*
    from simple_queue.limits l
    \ir parts/rate.sql
    where l.name = any (:names) and l.rate is not null
    order by l.name collate "C"
    for update of l
)
update simple_queue.limits l
set tat = greatest(l.tat, now() + :after::interval + make_interval(secs => (locked.burst - 1) * locked.step))
from locked
where l.name = locked.name
