-- bring_jobs_nearer
-- Makes the jobs that wait due and expired earlier by this time, as if it had passed; for tests. The due time is never
-- in the past, because floors may have passed it.
update simple_queue.jobs j
set run_at = case when j.run_at > now() then greatest(now(), j.run_at - :by::interval) else j.run_at end,
    expires_at = j.expires_at - :by::interval
where j.worker_id is null
