-- reap_workers
-- Buries processes whose heartbeat stands where it was seen, and returns their jobs; a worker_id that
-- is in no row counts as dead too. The attempt is given back and the crash counted: for every job the
-- process ran, or, if it ran one that had killed others before, for that one only. What has killed too
-- many processes becomes a bad_job. A process's row goes only when all its jobs have been returned.
with dead as (
    select w.id, w.suspect_id
    from simple_queue.workers w
    join unnest($1::uuid[], $2::timestamptz[]) as seen (id, heartbeat_at) using (id)
    where w.heartbeat_at = seen.heartbeat_at
    order by w.id
    for update of w skip locked
), orphan as (
    select j.id, j.worker_id,
        j.crash_count + case when coalesce(dead.suspect_id, j.id) = j.id then 1 else 0 end as crash_count
    from simple_queue.jobs j
    left join dead on dead.id = j.worker_id
    where j.worker_id is not null
        and (dead.id is not null or not exists (select from simple_queue.workers w where w.id = j.worker_id))
    order by j.id
    for update of j skip locked
), returned as (
    update simple_queue.jobs j
    set worker_id = null, lease = j.lease + 1, attempt = j.attempt - 1, crash_count = orphan.crash_count,
        run_at = greatest(now(), j.run_at), updated_at = now()
    from orphan
    where j.id = orphan.id and orphan.crash_count <= $3 and j.cancel_requested_at is null
    returning j.id
), finished as (
    delete from simple_queue.jobs j using orphan
    where j.id = orphan.id and (orphan.crash_count > $3 or j.cancel_requested_at is not null)
    returning j.*, orphan.crash_count as crashes
), dead_lettered as (
    insert into simple_queue.dead_letters (
        id, lease, scheduled_at, created_at, finished_at, worker_id, attempt, max_attempts,
        reprocess_count, crash_count, version, priority, status, queue, kind, reason, job_data, timeout,
        unique_key, fingerprint, tags, errors, metadata
    )
    select id, lease, scheduled_at, created_at, now(), worker_id, attempt - 1, max_attempts,
        reprocess_count, crashes, version, priority,
        case when cancel_requested_at is null then 'bad_job' else 'cancelled' end, queue, kind,
        case when cancel_requested_at is null
            then format('the process that ran it died, %s times', crashes)
            else 'cancelled while it ran, and its process died'
        end,
        job_data, timeout, unique_key, fingerprint, tags, errors, metadata
    from finished
    returning id
), buried as (
    delete from simple_queue.workers w using dead
    where w.id = dead.id and not exists (
        select from simple_queue.jobs j
        where j.worker_id = dead.id and not exists (select from orphan where orphan.id = j.id)
    )
    returning w.id
)
select (select count(*) from buried) as workers, (select count(*) from returned) as returned,
    (select count(*) from dead_lettered) as dead_lettered
