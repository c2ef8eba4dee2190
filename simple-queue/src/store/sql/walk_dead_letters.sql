-- walk_dead_letters
-- Looks at dead letters in the order of their ids, from :from_id on, and finds those that a filter wants.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.id) as position, null::text as key_gate,
        \ir parts/row_of_dead_letter.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.status, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
            j.scheduled_at, j.created_at, j.finished_at
        from simple_queue.dead_letters j
        where j.id >= :from_id
        order by j.id
        limit :window
    ) j
)
\ir parts/found.sql
