-- lock_dead_workers
-- Processes whose heartbeat has not moved since it was seen. From here to the end of the transaction nothing can be
-- claimed in their names, and none of them can beat.
select w.id,
    -- A mark that was left behind by a finished job blames no job.
    (
        select j.id from simple_queue.jobs j where j.id = w.suspect_id and j.worker_id = w.id
    ) as suspect_id
from simple_queue.workers w
join unnest(:ids::uuid[], :heartbeats::timestamptz[]) as seen (id, heartbeat_at) using (id)
where greatest(least(w.heartbeat_at, '9999-12-31'), '0001-01-01') = seen.heartbeat_at
order by w.id
for update of w skip locked
