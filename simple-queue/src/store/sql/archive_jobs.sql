-- archive_jobs
-- Moves jobs that are done into the archive. A row that somebody else has locked is passed over, and
-- one whose lease is another's is left alone; the caller asks after both.
with done as (
    select done.job_id, done.lease, done.result
    from unnest($2::uuid[], $3::bigint[], $4::jsonb[]) as done (job_id, lease, result)
), held as (
    select j.id, done.result
    from done
    join simple_queue.jobs j on j.id = done.job_id
    where j.lease = done.lease and j.worker_id = $1
    order by j.id
    for update of j skip locked
), finished as (
    delete from simple_queue.jobs j using held where j.id = held.id returning j.*, held.result
)
insert into simple_queue.archive (
    id, lease, scheduled_at, created_at, finished_at, worker_id, attempt, max_attempts,
    reprocess_count, crash_count, version, priority, queue, kind, job_data, result, unique_key,
    fingerprint, tags, errors, metadata
)
select id, lease, scheduled_at, created_at, now(), worker_id, attempt, max_attempts,
    reprocess_count, crash_count, version, priority, queue, kind, job_data, result, unique_key,
    fingerprint, tags, errors, metadata
from finished
returning id
