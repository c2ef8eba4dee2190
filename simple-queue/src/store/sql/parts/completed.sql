-- completed
-- The beginning of each statement that finishes jobs: it moves those that are done into the archive, or deletes
-- those of which no history is kept. :keep says whether it is where the job does not.
--
-- A row whose lease is another's is left alone, and so is one that somebody else has locked, for which nobody
-- who finishes a thousand others may wait. Locking each row first would find that out, and write it to the log
-- for each. But a lock leaves a trace in its row: xmax, which then is neither empty nor, as the claim left it,
-- the row's own xmin. So with :include_touched false only rows without such a trace are deleted, and the caller asks again,
-- with :include_touched true, for those that are missing; rows are locked then, in the order of their ids.
--
-- A delete looks at xmax just before it acts. Should somebody come between all the same, it waits for him and
-- looks again at the worker and the lease. They are compared with `not in`, which is looked up in a hash; a
-- join could be planned the other way around, with the whole table read.
--
-- needs: :worker_id, :job_ids, :leases, :results, :keep, :include_touched
-- gives: completed, the rows of jobs that are gone from there
with held as materialized (
    -- Each row is found by its own descent of the primary key: for a thousand ids the planner would rather
    -- read the whole table.
    select job.ctid
    from unnest(:job_ids::uuid[], :leases::bigint[]) as done (job_id, lease)
    cross join lateral (
        select j.ctid from simple_queue.jobs j
        where j.id = done.job_id and j.lease = done.lease and j.worker_id = :worker_id
        limit 1
        for update skip locked
    ) job
    where :include_touched
), completed as (
    delete from simple_queue.jobs j
    where j.ctid = any (array(
            select held.ctid from held
            union all
            select j.ctid from simple_queue.jobs j where not :include_touched and j.id = any (:job_ids)
        ))
        and (:include_touched or j.worker_id = :worker_id and (j.xmax = '0' or j.xmax = j.xmin) and ((j.id, j.lease) not in (
            select done.job_id, done.lease from unnest(:job_ids::uuid[], :leases::bigint[]) as done (job_id, lease)
        )) is false)
    returning j.*
), archived as (
    insert into simple_queue.archive (
        \ir job_columns.sql
        id, lease, worker_id, finished_at, result, attempt, reprocess_count, crash_count, errors, keep_until
    )
    select
        \ir job_columns.sql
        j.id, j.lease, j.worker_id, now(), returned.result::jsonb, j.attempt, j.reprocess_count, j.crash_count,
        j.errors, now() + case when j.retain is not null then least(j.retain, interval '4000 years') end
    from completed j
    -- Most jobs return nothing, and are not looked up.
    left join (
        select done.job_id, done.result from unnest(:job_ids::uuid[], :results::text[]) as done (job_id, result)
        where done.result is not null
    ) returned on returned.job_id = j.id
    where case when j.retain is null then :keep else j.retain > interval '0' end
)
