-- find_live_job
select id, queue, kind, version, job_data, case when worker_id is null then 'pending' else 'running' end as status,
    created_at, run_at, updated_at, attempt, max_attempts, unique_key, fingerprint
from simple_queue.jobs
where unique_key = $1
