-- retry_jobs
-- Puts running jobs back to pending: after a failed attempt, after a rescheduling, or because they are given back. The
-- due time is never in the past, so every process sees the job without searching behind its floor. The time that a job
-- may wait to be started is counted from the new due time, unless it was not started. A job whose cancellation was
-- requested meanwhile is skipped, and the caller ends it. Counters stay at the bounds of their types, because one
-- overflowing row would block a thousand others.
with held as materialized (
    select job.ctid, job.id, back.delay, back.not_before, back.attempts_kept, back.reprocessed, back.error,
        back.waits_anew, back.survived, greatest(now() + back.delay, back.not_before) as due
    from unnest(
        :job_ids::uuid[], :leases::bigint[], :delays::interval[], :not_befores::timestamptz[],
        :attempts_kept::integer[], :reprocessed::integer[], :errors::text[], :waits_anew::boolean[],
        :survived::integer[]
    ) as back (job_id, lease, delay, not_before, attempts_kept, reprocessed, error, waits_anew, survived)
    cross join lateral (
        select j.ctid, j.id from simple_queue.jobs j
        where j.id = back.job_id and j.lease = back.lease and j.worker_id = :worker_id
            and j.cancel_requested_at is null
        limit 1
        for update skip locked
    ) job
), retried as (
    update simple_queue.jobs j
    set worker_id = null,
        lease = least(j.lease, 9223372036854775806) + 1,
        -- A job of a sequence stays the first one of its key.
        run_at = case when j.gate like 'order:%' then j.run_at else held.due end,
        -- After the year 50,000 the sum may be out of range.
        expires_at = case when held.waits_anew and j.expires_at < '50000-01-01' and held.due < '50000-01-01'
            then j.expires_at + (held.due - j.run_at) else j.expires_at
        end,
        attempt = greatest(j.attempt, -2147483647) - held.attempts_kept,
        reprocess_count = least(j.reprocess_count, 2147483646) + held.reprocessed,
        -- A suspect that ran without killing its process has one crash less, and may rest among the others again.
        crash_count = j.crash_count - held.survived,
        held = case when j.crash_count - held.survived < 2
            then nullif(j.held, '00000000-0000-0000-0000-000000000000') else j.held
        end,
        updated_at = now(),
        errors =
            \ir parts/appended_error.sql
    from held
    where j.ctid = any (array(select held.ctid from held)) and j.id = held.id
    returning j.id, j.queue, j.gate, held.delay, held.due
), letters as (
    -- The key has a place free, and a turn when the job is due again. In a sequence nothing passes the job, so the place
    -- is free when it is due.
    select retried.gate, null::timestamptz as due_at, count(*)::integer as released, null::uuid as job_id
    from retried
    where retried.gate not like 'order:%'
    group by retried.gate
    union all
    select retried.gate, retried.due, 0, null from retried
    where retried.gate not like 'order:%' and retried.due > now()
    union all
    select retried.gate, case when retried.due > now() then retried.due end, 1, retried.id from retried
    where retried.gate like 'order:%'
)
\ir parts/turned.sql
, touched as (
    -- If this process stops, another one must not find such a job only at its next poll: the others poll every 30 s,
    -- and sleep until the next due time that they know.
    select distinct queue from retried where delay < interval '30 s'
)
\ir parts/notified.sql
select id, (select count(*) from notified) + (select count(*) from turned) as notified from retried
