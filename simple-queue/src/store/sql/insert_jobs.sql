-- insert_jobs
-- Inserts what is not there yet: a row whose id or unique key is taken is left out of the answer, and
-- the caller looks up by whom. The answer says whether workers sleep; `:notify` says whether they are to be
-- notified in this statement, as they must be where the library does not see the commit. `:first_lease` is where the leases
-- begin: an id that the caller made may have been used before, and then no lease of this job is one of that job's.
with inserted as (
    insert into simple_queue.jobs (
        id, lease, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, unique_key, fingerprint,
        expires_at, tags, version, retain
    )
    select new.id, :first_lease, new.queue, new.kind, new.priority, new.job_data::jsonb,
        greatest(now(), due.at), due.at,
        new.max_attempts, new.unique_key, new.fingerprint,
        greatest(now(), due.at) + new.expires_after,
        -- An array of arrays of different lengths is none, so each comes as the text of a JSON array.
        case when new.tags is not null then array(select jsonb_array_elements_text(new.tags::jsonb)) end,
        new.version, new.retain
    from unnest(
        :ids::uuid[], :queues::text[], :kinds::text[], :priorities::smallint[], :payloads::text[], :run_ats::timestamptz[],
        :delays::interval[], :max_attempts::integer[], :unique_keys::text[], :fingerprints::text[], :expires_afters::interval[], :tags::text[],
        :versions::integer[], :retains::interval[]
    ) as new (
        id, queue, kind, priority, job_data, run_at, delay, max_attempts, unique_key, fingerprint,
        expires_after, tags, version, retain
    )
    cross join lateral (select coalesce(new.run_at, now() + new.delay) as at) due
    on conflict do nothing
    returning id, queue
), notified as (
    select pg_notify(:channel, 'queue ' || touched.queue)
    from (select distinct queue from inserted) touched
    where :notify and exists (select from simple_queue.idle_workers)
)
-- The count is there because a part of a statement that nothing reads is not carried out.
select id, exists (select from simple_queue.idle_workers) as sleep,
    (select count(*) from notified) as notified
from inserted
