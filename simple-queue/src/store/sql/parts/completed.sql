-- completed
-- The first part of each statement that completes jobs: moves them to the archive, or deletes those without history.
-- :keep decides for jobs without `retain`.
--
-- A row under another lease is left alone. So is a row that another transaction has locked: a statement that finishes a
-- thousand jobs must not wait for it. Locking each row first would detect that, but writes each lock to the WAL. A lock
-- leaves a trace in its row, though: xmax is then neither empty nor, as the claim left it, the row's own xmin. So with
-- :include_touched false only rows without such a trace are deleted. The caller asks again for the missing ones with
-- :include_touched true, and then rows are locked, in the order of their ids.
--
-- A delete reads xmax just before it acts. If another transaction still gets in between, the delete waits for it and
-- rechecks the worker and the lease. They are compared with `not in`, which is looked up in a hash; a join could be
-- planned the other way round, with a sequential scan.
--
-- needs: :worker_id, :job_ids, :leases, :results, :keep, :include_touched
-- gives: completed, the rows that were deleted from jobs
with held as materialized (
    -- One descent of the primary key per row: with about 1,000 ids the planner prefers a sequential scan.
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
    -- Most jobs return nothing, and need no lookup.
    left join (
        select done.job_id, done.result from unnest(:job_ids::uuid[], :results::text[]) as done (job_id, result)
        where done.result is not null
    ) returned on returned.job_id = j.id
    where case when j.retain is null then :keep else j.retain > interval '0' end
)
