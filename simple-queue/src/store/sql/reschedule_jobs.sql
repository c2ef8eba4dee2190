-- reschedule_jobs
-- Postpones waiting jobs until new jobs with the same unique keys would be due, if that is later; of several new jobs
-- with one key, the latest counts. Jobs that run, or ended meanwhile, are missing from the answer. Sleeping workers are
-- notified: one that polled while the row was locked does not know of it.
with new as materialized (
    select new.unique_key, max(coalesce(new.run_at, now() + coalesce(new.delay, interval '0'))) as at
    from unnest(:unique_keys::text[], :run_ats::timestamptz[], :delays::interval[]) as new (unique_key, run_at, delay)
    group by new.unique_key
), found as materialized (
    select job.id, new.at
    from new
    cross join lateral (
        select j.id from simple_queue.jobs j where j.unique_key = new.unique_key limit 1
    ) job
), waiting as materialized (
    select j.id from simple_queue.jobs j
    where j.id = any (array(select found.id from found)) and j.worker_id is null
    order by j.id
    for update
), rescheduled as (
    update simple_queue.jobs j
    set run_at = greatest(now(), j.run_at, found.at), scheduled_at = greatest(j.scheduled_at, found.at),
        -- The time it may wait after its due time stays the same.
        expires_at = j.expires_at + (greatest(now(), j.run_at, found.at) - j.run_at),
        updated_at = now()
    from found
    -- By id and not by ctid: only so is the newest version found of a row that changed while this statement waited for
    -- its lock.
    where j.id = any (array(select waiting.id from waiting)) and j.id = found.id
    returning j.id, j.unique_key, j.queue, j.gate, j.run_at
), touched as (
    select distinct queue from rescheduled where :notify
), letters as (
    select distinct rescheduled.gate, case when rescheduled.run_at > now() then rescheduled.run_at end as due_at,
        0 as released, null::uuid as job_id
    from rescheduled
    where rescheduled.gate is not null
)
\ir parts/turns.sql
\ir parts/notified.sql
select id, unique_key, exists (select from simple_queue.idle_workers) as sleep,
    (select count(*) from notified) as notified
from rescheduled
