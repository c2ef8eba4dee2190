-- read_metadata
-- The metadata of a running job.
select metadata::text from simple_queue.jobs where id = :id and lease = :lease
