-- tell_long_running
-- Tells each process which jobs have long been in its name. The process returns those that it does not know: they came
-- from a claim whose answer was lost.
with old as materialized (
    select j.worker_id, (array_agg(j.id order by j.id))[1:1000] as ids
    from simple_queue.jobs j
    where j.worker_id is not null and j.updated_at < now() - interval '5 minutes'
    group by j.worker_id
), told as materialized (
    select w.id, old.ids from simple_queue.workers w
    join old on old.worker_id = w.id
    order by w.id
    for no key update of w skip locked
)
update simple_queue.workers w set long_running = told.ids
from told
where w.id = told.id
