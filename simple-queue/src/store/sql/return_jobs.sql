-- return_jobs
-- Returns what runs in the names of these processes, less what one of them still holds; with :ghosts, also
-- what runs in the name of a process that is in no row. Scans the table.
--
-- The attempt is given back. With :crashed the crash is counted: for every job of the process, or, if it ran
-- one that had killed others before, for that one only. What has killed too many processes becomes a
-- bad_job, and what was to be cancelled anyway is.
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
    -- The names are compared with the row as it is when it is locked: one that was claimed anew
    -- meanwhile, by a process that has begun since, is left alone.
    select j.id, j.cancel_requested_at is not null as cancelled,
        -- A counter at its end stays there: one row that cannot be written would hold up all.
        least(j.crash_count, 2147483646)
            + case when :crashed and coalesce(process.suspect_id, j.id) = j.id then 1 else 0 end as crash_count
    from simple_queue.jobs j
    join process on process.id = j.worker_id
    where j.id <> all (:held::uuid[])
    order by j.id
    for update of j skip locked
)
\ir parts/returned.sql
