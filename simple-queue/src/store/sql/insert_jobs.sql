-- insert_jobs
-- Inserts jobs that do not exist yet. A row whose id or unique key is taken is missing from the answer, and the caller
-- looks up the holder. The answer says whether workers sleep. :notify says whether this statement notifies them, which
-- is necessary if the library does not see the commit. Leases start at :first_lease: an id that the caller made may
-- have been used before, and then no lease of this job equals one of that job.
with inserted as (
    insert into simple_queue.jobs (
        id, lease, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, unique_key, fingerprint,
        expires_at, tags, version, retain, timeout, metadata
    )
    select new.id, :first_lease, new.queue, new.kind, new.priority, new.job_data::jsonb,
        greatest(now(), due.at), due.at,
        new.max_attempts, new.unique_key, new.fingerprint,
        greatest(now(), due.at) + new.expires_after,
        case when new.tags is not null then array(select jsonb_array_elements_text(new.tags::jsonb)) end,
        new.version, new.retain, new.timeout, new.metadata::jsonb
    \ir parts/new_jobs.sql
    on conflict do nothing
    returning id, queue
), touched as (
    select distinct queue from inserted where :notify
)
\ir parts/notified.sql
select id, exists (select from simple_queue.idle_workers) as sleep,
    (select count(*) from notified) as notified
from inserted
