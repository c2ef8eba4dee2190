-- save_job
-- Begins the part of a test's transaction that is a job's own.
savepoint simple_queue_job
