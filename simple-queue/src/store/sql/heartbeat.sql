-- heartbeat
-- Records that this process is alive, and reads in the same round trip whether it is still in the table, which of its
-- jobs are to be cancelled, which kinds are paused, and which other processes have been silent.
with beat as (
    update simple_queue.workers
    set heartbeat_at = now(), queues = :queues, long_running = null,
        permits = :permits, claimed = cardinality(:running::uuid[]),
        full_since = case when cardinality(:running::uuid[]) >= :permits then coalesce(full_since, now()) end
    where id = :worker_id
    returning id
), silent as (
    select w.id, greatest(least(w.heartbeat_at, '9999-12-31'), '0001-01-01') as heartbeat_at,
        extract(epoch from promise.heartbeat_interval)::double precision as seconds
    from simple_queue.workers w
    -- The bounds of the interval that our processes record.
    cross join lateral (
        select greatest(least(w.heartbeat_interval, '1 day'), '0 s') as heartbeat_interval
    ) promise
    -- A heartbeat from the future is ignored: the server's clock was set back. A live process writes a new one.
    where w.id <> :worker_id
        and w.heartbeat_at not between now() - 2 * promise.heartbeat_interval and now() + promise.heartbeat_interval
)
select exists (select from beat) as alive,
    -- The value before this update.
    (select w.long_running from simple_queue.workers w where w.id = :worker_id) as long_running,
    array(
        select job.id
        from unnest(:running::uuid[]) as running (id)
        cross join lateral (
            select j.id from simple_queue.jobs j
            where j.id = running.id and j.worker_id = :worker_id and j.cancel_requested_at is not null
            limit 1
        ) job
    ) as cancelled,
    -- Jobs that have killed processes rest apart, and are claimed one by one.
    exists (
        select from simple_queue.jobs j
        where j.held = '00000000-0000-0000-0000-000000000000' and j.worker_id is null and j.run_at <= now()
    ) as suspects_wait,
    \ir parts/paused_kinds.sql
    , exists (select from simple_queue.queues q where q.resume_at <= now())
        or exists (select from simple_queue.paused_kinds p where p.resume_at <= now()) as pauses_ended,
    now() as clock,
    array(select id from silent order by id) as silent_ids,
    array(select heartbeat_at from silent order by id) as silent_since,
    array(select seconds from silent order by id) as silent_intervals
