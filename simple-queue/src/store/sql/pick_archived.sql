-- pick_archived
-- As pick_jobs, among completed jobs. None of the ids was made before :since.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.id desc) as position, null::text as key_gate,
        \ir parts/row_of_archived.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
            j.scheduled_at, j.created_at, j.finished_at
        from simple_queue.archive j
        where j.id = any ((select f.ids from f)::uuid[]) and j.id <= :top_id
            and j.finished_at >= coalesce(:since::timestamptz - interval '1 day', '-infinity')
        order by j.id desc
        limit :window
    ) j
)
\ir parts/found.sql
