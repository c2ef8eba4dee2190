-- insert_alike_jobs
-- Inserts jobs that differ only in payload and fingerprint, as those of one call usually do, and whose ids were made
-- for this call, so that none can exist already. That costs two thirds of insert_jobs.
--
-- The answer says whether workers sleep; :notify says whether this statement notifies them.
with inserted as (
    insert into simple_queue.jobs (
        id, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, fingerprint, expires_at,
        tags, version, retain
    )
    select new.id, :queue, :kind, :priority, new.job_data::jsonb,
        greatest(now(), :run_at::timestamptz, now() + :delay::interval), coalesce(:run_at, now() + :delay),
        :max_attempts, new.fingerprint,
        greatest(now(), :run_at, now() + :delay) + :expires_after::interval,
        :tags, :version, :retain
    from unnest(:ids::uuid[], :payloads::text[], :fingerprints::text[]) as new (id, job_data, fingerprint)
)
select workers.sleep, case when workers.sleep and :notify then pg_notify(:channel, 'queue ' || :queue) end as notified
from (select exists (select from simple_queue.idle_workers) as sleep) workers
