-- retry_jobs
-- Puts running jobs back to pending: after a failed attempt, a rescheduling, or because they are
-- given back. The due time is never in the past, so every process sees it without searching behind.
-- How long it may wait to be started is counted from the new due time, unless it was not started before.
-- A job whose cancellation was asked for meanwhile is left alone; the caller ends it then. Counters at the ends of
-- their ranges stay there: one such row would keep a thousand others back.
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
        run_at = held.due,
        -- Beyond the year 50,000 the sum may be no time any more.
        expires_at = case when held.waits_anew and j.expires_at < '50000-01-01' and held.due < '50000-01-01'
            then j.expires_at + (held.due - j.run_at) else j.expires_at
        end,
        attempt = greatest(j.attempt, -2147483647) - held.attempts_kept,
        reprocess_count = least(j.reprocess_count, 2147483646) + held.reprocessed,
        -- A suspect that ran and killed nothing is one less, and may rest among the others again.
        crash_count = j.crash_count - held.survived,
        held = case when j.crash_count - held.survived < 2
            then nullif(j.held, '00000000-0000-0000-0000-000000000000') else j.held
        end,
        updated_at = now(),
        errors =
            \ir parts/appended_error.sql
    from held
    where j.ctid = any (array(select held.ctid from held)) and j.id = held.id
    returning j.id, j.queue, held.delay
), touched as (
    -- What is due before the next look of another process must not wait for it, should this process stop. The
    -- others look every 30 s and sleep until what they see is due.
    select distinct queue from retried where delay < interval '30 s'
)
\ir parts/notified.sql
select id, (select count(*) from notified) as notified from retried
