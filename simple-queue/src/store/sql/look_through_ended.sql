-- look_through_ended
-- Looks at dead letters in the order of their ends, the last first, from :finished_at and :top_id on, and finds those that
-- a filter wants. The filter's times bound the rows that are looked at.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.finished_at desc, j.id desc) as position, null::text as key_gate,
        \ir parts/row_of_dead_letter.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.status, j.priority, j.attempt, j.max_attempts, j.crash_count,
            j.worker_id, j.scheduled_at, j.created_at, j.finished_at
        from simple_queue.dead_letters j
        where (j.finished_at, j.id) <= (
                least(coalesce(:finished_at::timestamptz, 'infinity'), (select f.finished_to from f)), :top_id::uuid
            )
            and j.finished_at >= coalesce((select f.finished_from from f), '-infinity')
        order by j.finished_at desc, j.id desc
        limit :window
    ) j
)
\ir parts/found.sql
