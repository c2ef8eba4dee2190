-- look_through_lane
-- Looks at the jobs of one queue and priority in the order in which they are due, from :run_at and :from_id on, and
-- finds those that a filter wants. They are due after one time from now, and before another.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.run_at, j.id) as position, null::text as key_gate,
        \ir parts/row_of_job.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
            j.run_at, j.scheduled_at, j.created_at, j.updated_at
        from simple_queue.jobs j
        -- The bounds are sums of the clock, which the planner computes: it would expect few rows of a subquery, and sort
        -- the whole lane.
        where j.queue = :queue and j.priority = :priority and j.gate is null and j.held is null
            and (j.run_at, j.id) >= (greatest(:run_at::timestamptz, now() + :due_after::interval), :from_id::uuid)
            and j.run_at <= now() + :due_within::interval
        order by j.run_at, j.id
        limit :window
    ) j
)
\ir parts/found.sql
