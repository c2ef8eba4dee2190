-- reschedule_jobs
-- Puts jobs that wait off until new ones that have their unique keys would be due, if that is later; of
-- several new ones with one key the latest counts. What runs, or ended meanwhile, is left out of the
-- answer. Workers that sleep are notified: one that looked while the row was locked does not know of it.
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
        -- The time it may wait from when it is due on stays as long as it was.
        expires_at = j.expires_at + (greatest(now(), j.run_at, found.at) - j.run_at),
        updated_at = now()
    from found
    -- By id and not by ctid: a row that somebody changed while its lock was waited for is found in its newest
    -- version only so.
    where j.id = any (array(select waiting.id from waiting)) and j.id = found.id
    returning j.id, j.unique_key, j.queue
), touched as (
    select distinct queue from rescheduled where :notify
)
\ir parts/notified.sql
select id, unique_key, exists (select from simple_queue.idle_workers) as sleep,
    (select count(*) from notified) as notified
from rescheduled
