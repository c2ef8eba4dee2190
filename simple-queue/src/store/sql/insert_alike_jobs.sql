-- insert_alike_jobs
-- Inserts jobs that differ in nothing but their payloads and fingerprints, as those of one call mostly do,
-- and whose ids were made for this call, so that none can be there already. That costs two thirds of what
-- insert_jobs does.
--
-- The answer says whether workers sleep; :notify says whether they are to be notified in this statement.
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
