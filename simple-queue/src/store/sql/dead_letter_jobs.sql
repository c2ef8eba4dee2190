-- dead_letter_jobs
-- Moves running jobs that will not run again by themselves to the dead letters.
with held as materialized (
    -- A job whose cancellation was requested is cancelled, whatever its outcome.
    select job.ctid, job.id, case when job.cancelled then 'cancelled' else ended.status end as status,
        ended.reason, ended.attempts_kept, ended.error
    from unnest(
        :job_ids::uuid[], :leases::bigint[], :statuses::text[], :reasons::text[], :attempts_kept::integer[],
        :errors::text[]
    ) as ended (job_id, lease, status, reason, attempts_kept, error)
    cross join lateral (
        select j.ctid, j.id, j.cancel_requested_at is not null as cancelled from simple_queue.jobs j
        where j.id = ended.job_id and j.lease = ended.lease and j.worker_id = :worker_id
        limit 1
        for update skip locked
    ) job
), finished as (
    delete from simple_queue.jobs j
    where j.ctid = any (array(select held.ctid from held))
    returning j.*
), leaving as (
    select held.id, finished.gate, held.status <> 'cancelled' as failed from finished join held on held.id = finished.id
)
\ir parts/ended_places.sql
, letters as (
    select places.* from places
)
\ir parts/turned.sql
, dead as (
    \ir parts/into_dead_letters.sql
    select
        \ir parts/job_columns.sql
        j.id, j.lease, j.worker_id, now(), held.status, held.reason, greatest(j.attempt, -2147483647) - held.attempts_kept,
        j.reprocess_count, j.crash_count, j.timeout,
        \ir parts/kept_until.sql
        \ir parts/appended_error.sql
        , j.cost
    from finished j
    join held on held.id = j.id
    \ir parts/overwrite_dead_letter.sql
    returning id
)
select dead.id, (select count(*) from turned) as notified from dead
