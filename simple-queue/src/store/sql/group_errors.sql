-- group_errors
-- Groups the dead letters that a filter wants by kind and error: among the last :window of its times, the largest groups
-- first.
\ir parts/conditions.sql
,
\ir parts/contents_asked.sql
, seen as materialized (
    select row_number() over (order by j.finished_at desc, j.id desc) as position, j.error_key,
        \ir parts/row_of_dead_letter.sql
    from (
        select j.id, j.lease, j.queue, j.kind, j.status, j.priority, j.attempt, j.max_attempts, j.crash_count,
            j.worker_id, j.scheduled_at, j.created_at, j.finished_at, j.error_key
        from simple_queue.dead_letters j
        where j.finished_at < coalesce((select f.finished_to from f), 'infinity')
            and j.finished_at >= coalesce((select f.finished_from from f), '-infinity')
        order by j.finished_at desc, j.id desc
        limit :window
    ) j
)
\ir parts/wanted.sql
, error_group as (
    select wanted.kind, wanted.error_key, count(*) as jobs, min(wanted.finished_at) as first_at,
        max(wanted.finished_at) as last_at, (array_agg(wanted.id order by wanted.position))[1] as sample_id
    from wanted
    where not :asks_contents or exists (
        select from simple_queue.dead_letters j
        cross join c
        where j.id = wanted.id and (
            \ir parts/contents_wanted.sql
        )
    )
    group by wanted.kind, wanted.error_key
    order by jobs desc, last_at desc
    limit :limit
)
select looked.n as looked_at, g.kind, g.error_key, g.jobs, g.first_at, g.last_at, g.sample_id
from (select count(*) as n from seen) looked
left join error_group g on true
order by g.jobs desc, g.last_at desc
