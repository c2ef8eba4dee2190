-- look_through_jobs
-- Looks at live jobs in the order of their ids, the newest first, from :top_id on, and finds those that a filter wants.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.id desc) as position, null::text as key_gate,
        \ir parts/row_of_job.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
            j.run_at, j.scheduled_at, j.created_at, j.updated_at
        from simple_queue.jobs j
        where j.id <= :top_id
        order by j.id desc
        limit :window
    ) j
)
\ir parts/found.sql
