-- row_of_archived
-- A completed job as a row of a list.
--
-- needs: j, rows of archive
-- gives: a list of columns
    j.id, j.lease, j.queue, j.kind, 'completed' as status, j.priority, j.attempt, j.max_attempts, j.crash_count,
    j.worker_id, null::timestamptz as run_at, j.scheduled_at, j.created_at, j.finished_at as changed_at, j.finished_at
