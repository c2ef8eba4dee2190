-- into_dead_letters
-- The beginning of each insert of dead letters. One that says null of keep_until is kept as long as the janitor keeps
-- others.
--
-- needs: nothing
-- gives: an insert, to be followed by a select of these columns
insert into simple_queue.dead_letters (
    \ir job_columns.sql
    id, lease, worker_id, finished_at, status, reason, attempt, reprocess_count, crash_count, timeout, keep_until,
    errors
)
