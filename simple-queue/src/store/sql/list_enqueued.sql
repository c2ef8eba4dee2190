-- list_enqueued
-- The live jobs of some kinds, or of all, in the order of their ids; for tests.
select j.id, j.queue, j.kind, j.version, j.fingerprint, j.unique_key, j.created_at, j.run_at, j.attempt,
    j.job_data::text as job_data, j.max_attempts, j.priority,
    extract(epoch from j.run_at - statement_timestamp())::double precision as due_in
from simple_queue.jobs j
where :kinds::text[] is null or j.kind = any (:kinds)
order by j.id
limit 10000
