-- row_of_job
-- A live job as a row of a list.
--
-- needs: j, rows of jobs
-- gives: a list of columns
    j.id, j.lease, j.queue, j.kind, case when j.worker_id is null then 'pending' else 'running' end as status,
    j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id, j.run_at, j.scheduled_at, j.created_at,
    j.updated_at as changed_at, null::timestamptz as finished_at
