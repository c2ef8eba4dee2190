-- archive_jobs
-- Moves jobs that are done into the archive, or deletes those of which no history is kept: $5 says whether
-- it is where the job does not. A row that somebody else has locked is passed over, and one whose lease is
-- another's is left alone; the caller asks after both. The ids come in their order, so that two batches
-- never wait for each other.
--
-- Each row is found by its own descent of the primary key, and deleted by ctid: for a thousand ids the
-- planner would rather read the whole table.
with held as materialized (
    select job.ctid
    from unnest($2::uuid[], $3::bigint[]) as done (job_id, lease)
    cross join lateral (
        select j.ctid from simple_queue.jobs j
        where j.id = done.job_id and j.lease = done.lease and j.worker_id = $1
        limit 1
        for update skip locked
    ) job
), finished as (
    delete from simple_queue.jobs j
    where j.ctid = any (array(select held.ctid from held))
    returning j.*
), archived as (
    insert into simple_queue.archive (
        id, lease, scheduled_at, created_at, finished_at, worker_id, attempt, max_attempts,
        reprocess_count, crash_count, version, priority, queue, kind, job_data, result, unique_key,
        fingerprint, tags, errors, metadata, keep_until
    )
    select j.id, j.lease, j.scheduled_at, j.created_at, now(), j.worker_id, j.attempt, j.max_attempts,
        j.reprocess_count, j.crash_count, j.version, j.priority, j.queue, j.kind, j.job_data,
        returned.result::jsonb, j.unique_key, j.fingerprint, j.tags, j.errors, j.metadata, now() + j.retain
    from finished j
    -- Most jobs return nothing, and are not looked up.
    left join (
        select done.job_id, done.result from unnest($2::uuid[], $4::text[]) as done (job_id, result)
        where done.result is not null
    ) returned on returned.job_id = j.id
    where case when j.retain is null then $5 else j.retain > interval '0' end
)
-- One array: a row for each would cost the client as much as all the rest of a job.
select coalesce(array_agg(finished.id), '{}') from finished
