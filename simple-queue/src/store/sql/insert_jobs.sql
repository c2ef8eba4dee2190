-- insert_jobs
-- Inserts what is not there yet: a row whose id or unique key is taken is left out of the answer, and
-- the caller looks up by whom. $12 says whether workers that sleep are to be notified in this
-- statement, as they must be where the library does not see the commit.
with inserted as (
    insert into simple_queue.jobs
        (id, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, unique_key, fingerprint)
    select new.id, new.queue, new.kind, new.priority, new.job_data::jsonb,
        greatest(now(), coalesce(new.run_at, now() + new.delay)),
        coalesce(new.run_at, now() + new.delay),
        new.max_attempts, new.unique_key, new.fingerprint
    from unnest(
        $1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::timestamptz[],
        $7::interval[], $8::integer[], $9::text[], $10::text[]
    ) as new (
        id, queue, kind, priority, job_data, run_at, delay, max_attempts, unique_key, fingerprint
    )
    on conflict do nothing
    returning id, queue
), notified as (
    select pg_notify($11, 'queue ' || touched.queue)
    from (select distinct queue from inserted) touched
    where $12 and exists (select from simple_queue.workers where idle)
)
-- The count is there because a part of a statement that nothing reads is not carried out.
select id, (select count(*) from notified) as notified from inserted
