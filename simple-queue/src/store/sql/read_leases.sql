-- read_leases
-- The state of leases whose transition changed no row.
select asked.job_id, asked.lease,
    coalesce(j.lease = asked.lease and j.worker_id = :worker_id, false) as held,
    j.cancel_requested_at is not null as cancel_requested,
    exists (
        select from simple_queue.archive a where a.id = asked.job_id and a.lease = asked.lease
    ) or exists (
        select from simple_queue.dead_letters d where d.id = asked.job_id and d.lease = asked.lease
    ) as finished,
    j.id is null and not exists (
        select from simple_queue.archive a where a.id = asked.job_id
    ) and not exists (
        select from simple_queue.dead_letters d where d.id = asked.job_id
    ) as gone
from unnest(:job_ids::uuid[], :leases::bigint[]) as asked (job_id, lease)
left join simple_queue.jobs j on j.id = asked.job_id
