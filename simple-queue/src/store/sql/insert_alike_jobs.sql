-- insert_alike_jobs
-- Inserts jobs that differ in nothing but their payloads and fingerprints, as those of one call mostly do,
-- and whose ids were made for this call, so that none can be there already. That costs two thirds of what
-- insert_jobs does.
--
-- The answer says whether workers sleep; $15 says whether they are to be notified in this statement.
with inserted as (
    insert into simple_queue.jobs (
        id, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, fingerprint, expires_at,
        tags, version, retain
    )
    select new.id, $4, $5, $6, new.job_data::jsonb,
        greatest(now(), $7::timestamptz, now() + $8::interval), coalesce($7, now() + $8),
        $9, new.fingerprint,
        greatest(now(), $7, now() + $8) + $10::interval,
        $11, $12, $13
    from unnest($1::uuid[], $2::text[], $3::text[]) as new (id, job_data, fingerprint)
)
select workers.sleep, case when workers.sleep and $15 then pg_notify($14, 'queue ' || $4) end as notified
from (select exists (select from simple_queue.idle_workers) as sleep) workers
