-- dead_letter_jobs
-- Moves running jobs that will not run again by themselves into the dead letters.
with ended as (
    select ended.*
    from unnest(
        $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::text[]
    ) as ended (job_id, lease, status, reason, attempts_kept, error)
), held as (
    -- Whatever it came to: what was to be cancelled is cancelled.
    select j.id, case when j.cancel_requested_at is null then ended.status else 'cancelled' end as status,
        ended.reason, ended.attempts_kept, ended.error
    from ended
    join simple_queue.jobs j on j.id = ended.job_id
    where j.lease = ended.lease and j.worker_id = $1
    order by j.id
    for update of j skip locked
), finished as (
    delete from simple_queue.jobs j using held where j.id = held.id
    returning j.*, held.status, held.reason, held.attempts_kept, held.error
)
insert into simple_queue.dead_letters (
    id, lease, scheduled_at, created_at, finished_at, worker_id, attempt, max_attempts,
    reprocess_count, crash_count, version, priority, status, queue, kind, reason, job_data, timeout,
    unique_key, fingerprint, tags, errors, metadata
)
select id, lease, scheduled_at, created_at, now(), worker_id, attempt - attempts_kept, max_attempts,
    reprocess_count, crash_count, version, priority, status, queue, kind, reason, job_data, timeout,
    unique_key, fingerprint, tags,
    case when error is null then errors else
        case when jsonb_array_length(errors) >= 10 then errors - 0 else coalesce(errors, '[]') end
        || jsonb_build_object('attempt', attempt, 'at', now(), 'error', error)
    end,
    metadata
from finished
on conflict (id) do nothing
returning id
