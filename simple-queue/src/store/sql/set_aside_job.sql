-- set_aside_job
-- Moves a job to the dead letters that the database refuses to hand out, or to return from a dead process, so that it
-- holds up no other. Only while it is in the name of `:worker_id`, or of nobody where that is null. Nothing is computed from
-- what is in the row.
with aside as (
    delete from simple_queue.jobs j
    where j.id = :id and j.worker_id is not distinct from :worker_id
    returning j.id, j.lease, j.scheduled_at, j.created_at, j.worker_id, j.attempt, j.max_attempts, j.reprocess_count,
        j.crash_count, j.version, j.priority, j.queue, j.kind, j.job_data, j.timeout, j.unique_key, j.fingerprint,
        j.tags, j.errors, j.metadata
)
insert into simple_queue.dead_letters (
    id, lease, scheduled_at, created_at, finished_at, worker_id, attempt, max_attempts, reprocess_count,
    crash_count, version, priority, status, queue, kind, reason, job_data, timeout, unique_key, fingerprint,
    tags, errors, metadata
)
select id, lease, scheduled_at, created_at, now(), worker_id, attempt, max_attempts, reprocess_count,
    crash_count, version, priority, 'unprocessable', queue, kind, :reason, job_data, timeout, unique_key, fingerprint,
    tags, errors, metadata
from aside
\ir parts/overwrite_dead_letter.sql
returning id
