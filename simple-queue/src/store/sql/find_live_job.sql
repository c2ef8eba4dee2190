-- find_live_job
select id, queue, kind, version, fingerprint, unique_key, created_at, run_at, attempt, job_data::text,
    max_attempts, case when worker_id is null then 'pending' else 'running' end as status, updated_at,
    \ir parts/own_metadata.sql
from simple_queue.jobs
where unique_key = :key
