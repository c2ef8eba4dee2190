-- read_metadata
-- What was attached to a job that runs.
select metadata::text from simple_queue.jobs where id = :id and lease = :lease
