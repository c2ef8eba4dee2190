-- charge_rate
-- Takes tokens of a rate whether they are there or not. What is not there yet comes first.
with locked as materialized (
    select l.name, r.*
    from simple_queue.limits l
    \ir parts/rate.sql
    where l.name = :name and l.rate is not null
    for update of l
)
update simple_queue.limits l
set tat = greatest(l.tat, coalesce(locked.until, now())) + make_interval(secs => ceil(:tokens::integer * locked.step * 1e6) / 1e6)
from locked
where l.name = locked.name
returning l.name
