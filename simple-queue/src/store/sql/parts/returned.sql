-- returned
-- Puts jobs whose process is dead back to pending, with the attempt given back. A job that has killed too many
-- processes becomes a bad_job. A job whose cancellation was requested is cancelled.
--
-- needs: orphan (id, cancelled, crash_count), the jobs, whose rows are locked; :max_crash_count; :channel
-- gives: rows, the end of the statement: how many of each there were
, returned as (
    update simple_queue.jobs j
    set worker_id = null, lease = least(j.lease, 9223372036854775806) + 1,
        attempt = greatest(j.attempt, -2147483647) - 1, crash_count = orphan.crash_count,
        -- A job of a sequence stays the first one of its key.
        run_at = case when j.gate like 'order:%' then j.run_at else greatest(now(), j.run_at) end, updated_at = now(),
        -- From the second crash on a job is a suspect: it rests where no fetch reads, and is claimed alone. A job of a key
        -- stays where it is, so that its limit holds.
        held = case when orphan.crash_count >= 2 and j.gate is null then '00000000-0000-0000-0000-000000000000' else j.held end,
        -- It was started in time, and may wait as long again. After the year 50,000 the sum may be out of range.
        expires_at = case when j.expires_at < '50000-01-01' and j.run_at < '50000-01-01'
            then j.expires_at + (greatest(now(), j.run_at) - j.run_at) else j.expires_at
        end
    from orphan
    where j.id = orphan.id and not orphan.cancelled and orphan.crash_count <= :max_crash_count
    returning j.id, j.queue, j.gate
), finished as (
    delete from simple_queue.jobs j using orphan
    where j.id = orphan.id and (orphan.cancelled or orphan.crash_count > :max_crash_count)
    returning j.*, orphan.cancelled, orphan.crash_count as crashes
), dead_lettered as (
    \ir into_dead_letters.sql
    select
        \ir job_columns.sql
        id, least(lease, 9223372036854775806) + 1, worker_id, now(),
        case when cancelled then 'cancelled' else 'bad_job' end,
        case when cancelled then 'cancelled while it ran, and its process died'
            else format('the process that ran it died, %s times', crashes)
        end,
        greatest(attempt, -2147483647) - 1, reprocess_count, crashes, timeout,
        \ir kept_until.sql
        errors, cost
    from finished
    \ir overwrite_dead_letter.sql
    returning id
), leaving as (
    select returned.id, returned.gate, false as failed from returned
    union all
    select finished.id, finished.gate, not finished.cancelled from finished
)
\ir ended_places.sql
, letters as (
    select places.* from places
)
\ir turned.sql
, touched as (
    select distinct queue from returned
)
\ir notified.sql
select (select count(*) from returned) as returned, (select count(*) from dead_lettered) as dead_lettered,
    (select count(*) from notified) + (select count(*) from turned) as notified
