-- look_through_keys
-- Looks at the jobs of keys, from one gate and job on and up to another gate, and finds those that a filter wants.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.gate, j.priority, j.run_at, j.id) as position, j.gate as key_gate,
        \ir parts/row_of_job.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
            j.run_at, j.scheduled_at, j.created_at, j.updated_at, j.gate
        from simple_queue.jobs j
        where (j.gate, j.priority, j.run_at, j.id) >= (:gate, :priority::smallint, :run_at::timestamptz, :from_id::uuid)
            and j.gate < :until and j.held is null
        order by j.gate, j.priority, j.run_at, j.id
        limit :window
    ) j
)
\ir parts/found.sql
