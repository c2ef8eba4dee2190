-- touch_schedules
-- Notes that a worker still declares these schedules.
with touched as materialized (
    select s.name from simple_queue.schedules s
    where s.name = any (:names) and s.declared_at < now() - interval '30 min'
    order by s.name collate "C"
    for update skip locked
)
update simple_queue.schedules s set declared_at = now()
from touched
where s.name = touched.name
