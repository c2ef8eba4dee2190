-- insert_jobs_with_extras
-- As insert_jobs, for jobs of which some have a timeout or metadata ($18 and $19), which cost the others nothing
-- so. A row whose id or unique key is taken is left out of the answer, and
-- the caller looks up by whom. The answer says whether workers sleep; $16 says whether they are to be
-- notified in this statement, as they must be where the library does not see the commit. $17 is where the leases
-- begin: an id that the caller made may have been used before, and then no lease of this job is one of that job's.
with inserted as (
    insert into simple_queue.jobs (
        id, lease, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, unique_key, fingerprint,
        expires_at, tags, version, retain, timeout, metadata
    )
    select new.id, $17, new.queue, new.kind, new.priority, new.job_data::jsonb,
        greatest(now(), due.at), due.at,
        new.max_attempts, new.unique_key, new.fingerprint,
        greatest(now(), due.at) + new.expires_after,
        -- An array of arrays of different lengths is none, so each comes as the text of a JSON array.
        case when new.tags is not null then array(select jsonb_array_elements_text(new.tags::jsonb)) end,
        new.version, new.retain, new.timeout, new.metadata::jsonb
    from unnest(
        $1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::timestamptz[],
        $7::interval[], $8::integer[], $9::text[], $10::text[], $11::interval[], $12::text[],
        $13::integer[], $14::interval[], $18::interval[], $19::text[]
    ) as new (
        id, queue, kind, priority, job_data, run_at, delay, max_attempts, unique_key, fingerprint,
        expires_after, tags, version, retain, timeout, metadata
    )
    cross join lateral (select coalesce(new.run_at, now() + new.delay) as at) due
    on conflict do nothing
    returning id, queue
), notified as (
    select pg_notify($15, 'queue ' || touched.queue)
    from (select distinct queue from inserted) touched
    where $16 and exists (select from simple_queue.idle_workers)
)
-- The count is there because a part of a statement that nothing reads is not carried out.
select id, exists (select from simple_queue.idle_workers) as sleep,
    (select count(*) from notified) as notified
from inserted
