-- other_lanes
-- The further priorities of the jobs of a key, in order: an index descent for each, made only when its jobs are asked
-- for.
--
-- needs: k (gate); lane (priority), the first one
-- gives: a query (priority)
(with recursive further (priority) as (
    (
        select j.priority from simple_queue.jobs j
        where j.gate = k.gate and j.held is null and j.priority > lane.priority
        order by j.priority
        limit 1
    )
    union all
    select next.priority
    from further
    cross join lateral (
        select j.priority from simple_queue.jobs j
        where j.gate = k.gate and j.held is null and j.priority > further.priority
        order by j.priority
        limit 1
    ) next
)
select further.priority from further)
