-- row_of_dead_letter
-- A dead letter as a row of a list.
--
-- needs: j, rows of dead_letters
-- gives: a list of columns
    j.id, j.lease, j.queue, j.kind, j.status, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
    null::timestamptz as run_at, j.scheduled_at, j.created_at, j.finished_at as changed_at, j.finished_at
