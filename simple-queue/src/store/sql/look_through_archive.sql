-- look_through_archive
-- As look_through_jobs, among completed jobs. Days outside of the filter's times are left out.
\ir parts/conditions.sql
, seen as materialized (
    select row_number() over (order by j.id desc) as position, null::text as key_gate,
        \ir parts/row_of_archived.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.priority, j.attempt, j.max_attempts, j.crash_count, j.worker_id,
            j.scheduled_at, j.created_at, j.finished_at
        from simple_queue.archive j
        where j.id <= :top_id
            -- Whole days: a bound within a day would have rows passed over that nobody counts.
            and j.finished_at >= (
                select date_trunc('day', coalesce(f.finished_from, '-infinity') at time zone 'utc') at time zone 'utc' from f
            )
            and j.finished_at <= (
                select (date_trunc('day', coalesce(f.finished_to, 'infinity') at time zone 'utc') + interval '1 day')
                    at time zone 'utc'
                from f
            )
        order by j.id desc
        limit :window
    ) j
)
\ir parts/found.sql
