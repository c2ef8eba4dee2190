-- return_jobs
-- Returns what runs in the names of these processes, less what one of them still holds; with :orphans, also
-- what runs in the name of a process that is in no row. Scans the table.
--
-- The attempt is given back. With :crashed the crash is counted: for every job of the process, or, if it ran
-- one that had killed others before, for that one only. What has killed too many processes becomes a
-- bad_job, and what was to be cancelled anyway is.
with ghost as materialized (
    select distinct j.worker_id as id
    from simple_queue.jobs j
    where :orphans and j.worker_id is not null
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
), returned as (
    update simple_queue.jobs j
    set worker_id = null, lease = least(j.lease, 9223372036854775806) + 1,
        attempt = greatest(j.attempt, -2147483647) - 1, crash_count = orphan.crash_count,
        run_at = greatest(now(), j.run_at), updated_at = now(),
        -- From the second crash on a job is a suspect: it rests where no fetch reads, and is claimed by itself.
        held = case when orphan.crash_count >= 2 then '00000000-0000-0000-0000-000000000000' else j.held end,
        -- It was started in time, and may wait as long again. Beyond the year 50,000 the sum may be no time.
        expires_at = case when j.expires_at < '50000-01-01' and j.run_at < '50000-01-01'
            then j.expires_at + (greatest(now(), j.run_at) - j.run_at) else j.expires_at
        end
    from orphan
    where j.id = orphan.id and not orphan.cancelled and orphan.crash_count <= :max_crash_count
    returning j.id, j.queue
), finished as (
    delete from simple_queue.jobs j using orphan
    where j.id = orphan.id and (orphan.cancelled or orphan.crash_count > :max_crash_count)
    returning j.*, orphan.cancelled, orphan.crash_count as crashes
), dead_lettered as (
    \ir parts/into_dead_letters.sql
    select
        \ir parts/job_columns.sql
        id, least(lease, 9223372036854775806) + 1, worker_id, now(),
        case when cancelled then 'cancelled' else 'bad_job' end,
        case when cancelled then 'cancelled while it ran, and its process died'
            else format('the process that ran it died, %s times', crashes)
        end,
        greatest(attempt, -2147483647) - 1, reprocess_count, crashes, timeout,
        now() + nullif(least(greatest(retain, interval '0'), interval '4000 years'), interval '0'), errors
    from finished
    \ir parts/overwrite_dead_letter.sql
    returning id
), touched as (
    select distinct queue from returned
)
\ir parts/notified.sql
select (select count(*) from returned) as returned, (select count(*) from dead_lettered) as dead_lettered,
    (select count(*) from notified) as notified
