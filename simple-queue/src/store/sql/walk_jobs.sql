-- walk_jobs
-- Looks at live jobs in the order of their ids, from :from_id on, and finds those that a filter wants.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.id) as position, null::text as key_gate,
        \ir parts/row_of_job.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
            j.run_at, j.scheduled_at, j.created_at, j.updated_at
        from simple_queue.jobs j
        where j.id >= :from_id
        order by j.id
        limit :window
    ) j
)
\ir parts/found.sql
