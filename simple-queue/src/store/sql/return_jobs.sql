-- return_jobs
-- Returns jobs that run in the names of these processes, except those that one of them still holds; with :ghosts also
-- jobs in the names of worker ids without a row. Scans the table.
--
-- The attempt is given back. With :crashed the crash is counted: for every job of the process or, if it ran a job that
-- had killed others before, for that job only. A job that has killed too many processes becomes a bad_job. A job whose
-- cancellation was requested is cancelled.
with ghost as materialized (
    select distinct j.worker_id as id
    from simple_queue.jobs j
    where :ghosts and j.worker_id is not null
        and not exists (select from simple_queue.workers w where w.id = j.worker_id)
), process as materialized (
    select dead.id, dead.suspect_id from unnest(:workers::uuid[], :suspects::uuid[]) as dead (id, suspect_id)
    union all
    select ghost.id, null from ghost
), orphan as (
    -- The names are compared with the locked version of the row: a job that was claimed again meanwhile, by a process
    -- that started since, is left alone.
    select j.id, j.cancel_requested_at is not null as cancelled,
        -- The counter stays at its bound: one row that cannot be written would block all.
        least(j.crash_count, 2147483646)
            + case when :crashed and coalesce(process.suspect_id, j.id) = j.id then 1 else 0 end as crash_count
    from simple_queue.jobs j
    join process on process.id = j.worker_id
    where j.id <> all (:held::uuid[])
    order by j.id
    for update of j skip locked
)
\ir parts/returned.sql
