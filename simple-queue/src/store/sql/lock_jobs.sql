-- lock_jobs
-- As lock_job, for many: rows that another session has locked are missing from the answer.
with locked as materialized (
    select j.id, j.lease, j.updated_at, j.worker_id from simple_queue.jobs j
    where j.id = any (:ids::uuid[])
    order by j.id
    for update skip locked
)
select locked.id, locked.lease = asked.lease and locked.updated_at = asked.changed_at as is_same,
    locked.worker_id is not null as is_running
from unnest(:ids::uuid[], :leases::bigint[], :changed_ats::timestamptz[]) as asked (id, lease, changed_at)
join locked on locked.id = asked.id
