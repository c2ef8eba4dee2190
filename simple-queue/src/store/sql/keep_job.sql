-- keep_job
-- Keeps what a job has done in a test's transaction.
release savepoint simple_queue_job
