-- dead_letter_jobs
-- Moves running jobs that will not run again by themselves into the dead letters.
with held as materialized (
    -- Whatever it came to: what was to be cancelled is cancelled.
    select job.ctid, job.id, case when job.cancelled then 'cancelled' else ended.status end as status,
        ended.reason, ended.attempts_kept, ended.error
    from unnest(
        :job_ids::uuid[], :leases::bigint[], :statuses::text[], :reasons::text[], :attempts_kept::integer[], :errors::text[]
    ) as ended (job_id, lease, status, reason, attempts_kept, error)
    cross join lateral (
        select j.ctid, j.id, j.cancel_requested_at is not null as cancelled from simple_queue.jobs j
        where j.id = ended.job_id and j.lease = ended.lease and j.worker_id = :worker_id
        limit 1
        for update skip locked
    ) job
), finished as (
    delete from simple_queue.jobs j
    where j.ctid = any (array(select held.ctid from held))
    returning j.*
)
insert into simple_queue.dead_letters (
    id, lease, scheduled_at, created_at, finished_at, worker_id, attempt, max_attempts,
    reprocess_count, crash_count, version, priority, status, queue, kind, reason, job_data, timeout,
    unique_key, fingerprint, tags, errors, metadata, keep_until
)
select j.id, j.lease, j.scheduled_at, j.created_at, now(), j.worker_id, greatest(j.attempt, -2147483647) - held.attempts_kept,
    j.max_attempts, j.reprocess_count, j.crash_count, j.version, j.priority, held.status, j.queue, j.kind,
    held.reason, j.job_data, j.timeout, j.unique_key, j.fingerprint, j.tags,
    case when held.error is null then j.errors else
        case
            when jsonb_typeof(j.errors) is distinct from 'array' then '[]'
            when jsonb_array_length(j.errors) >= 10 then j.errors - 0
            else j.errors
        end
        || jsonb_build_object('attempt', j.attempt, 'at', now(), 'error', held.error)
    end,
    -- A job of which no history is kept fails like any other.
    j.metadata, now() + nullif(least(greatest(j.retain, interval '0'), interval '4000 years'), interval '0')
from finished j
join held on held.id = j.id
\ir parts/overwrite_dead_letter.sql
returning id
