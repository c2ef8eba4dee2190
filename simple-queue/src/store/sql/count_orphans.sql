-- count_orphans
-- Among the oldest jobs: how many are in the name of a process that has no row, and the oldest of them. They are found
-- by a scan of a part of the primary key, because no index has `worker_id`.
select count(*) as jobs, min(oldest.id::text)::uuid as id
from (select j.id, j.worker_id from simple_queue.jobs j order by j.id limit 5000) oldest
where oldest.worker_id is not null
    and not exists (select from simple_queue.workers w where w.id = oldest.worker_id)
