-- lock_job
-- Locks a live job for an act, and tells whether it is still as the actor has seen it and whether it runs.
select j.id, coalesce(:lease::bigint = j.lease and :changed_at::timestamptz = j.updated_at, true) as is_same,
    j.worker_id is not null as is_running
from simple_queue.jobs j
where j.id = :id
for update
