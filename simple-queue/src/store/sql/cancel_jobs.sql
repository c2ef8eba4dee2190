-- cancel_jobs
-- Ends pending jobs at once and requests the cancellation of running ones; their processes are notified. With :repeated
-- an earlier call may have been carried out, so jobs that are already cancelled count too.
--
-- A job of a sequence that has changed while this statement waited for its row may have a place in `turns` that the
-- snapshot does not have. It is left as it is, and the caller asks again for those in `changed`.
with locked as materialized (
    select j.id, j.worker_id, j.gate, j.lease from simple_queue.jobs j where j.id = any (:ids) order by j.id for update
), changed as materialized (
    select locked.id from locked
    join simple_queue.jobs seen on seen.id = locked.id
    where locked.gate like 'order:%' and seen.lease <> locked.lease
), target as materialized (
    select locked.id, locked.worker_id from locked
    where locked.id <> all (array(select changed.id from changed))
), finished as (
    delete from simple_queue.jobs j using target
    where j.id = target.id and target.worker_id is null
    returning j.*
), cancelled as (
    \ir parts/into_dead_letters.sql
    select
        \ir parts/job_columns.sql
        id, lease, worker_id, now(), 'cancelled', 'cancelled before it ran', attempt, reprocess_count, crash_count,
        timeout,
        \ir parts/kept_until.sql
        errors, cost
    from finished
    \ir parts/overwrite_dead_letter.sql
    returning id
)
, leaving_places as (
    select finished.id from finished where finished.gate like 'order:%'
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
)
\ir parts/turned.sql
, asked as (
    update simple_queue.jobs j
    set cancel_requested_at = coalesce(j.cancel_requested_at, now()), updated_at = now()
    from target
    where j.id = target.id and target.worker_id is not null
    returning j.id
), notified as (
    select pg_notify(:channel, 'cancel ' || id) from asked
)
select (select count(*) from cancelled) + (
        select count(*) from simple_queue.dead_letters d
        where :repeated and d.id = any (:ids) and d.status = 'cancelled'
            and d.id <> all (array(select locked.id from locked))
    ) as cancelled,
    array(select changed.id from changed) as changed,
    (select count(*) from notified) as requested, (select count(*) from turned) as notified
