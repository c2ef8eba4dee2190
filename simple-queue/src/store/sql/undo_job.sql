-- undo_job
-- Undoes what a job has done in a test's transaction.
rollback to savepoint simple_queue_job
