-- into_dead_letters
-- The beginning of each insert of dead letters. A row with null in keep_until is kept for the janitor's retention.
--
-- needs: nothing
-- gives: an insert, to be followed by a select of these columns
insert into simple_queue.dead_letters (
    \ir job_columns.sql
    id, lease, worker_id, finished_at, status, reason, attempt, reprocess_count, crash_count, timeout, keep_until,
    errors, cost
)
