-- pick_dead_letters
-- As pick_jobs, among dead letters.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.id desc) as position, null::text as key_gate,
        \ir parts/row_of_dead_letter.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.status, j.priority, j.attempt, j.max_attempts, j.crash_count,
            j.worker_id, j.scheduled_at, j.created_at, j.finished_at
        from simple_queue.dead_letters j
        where j.id = any ((select f.ids from f)::uuid[]) and j.id <= :top_id
        order by j.id desc
        limit :window
    ) j
)
\ir parts/found.sql
