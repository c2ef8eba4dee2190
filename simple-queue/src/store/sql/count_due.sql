-- count_due
-- Counts the jobs that wait and are due after one time from now, and not after another: of all queues, by the indexes of
-- due times, so that a backlog of others costs nothing. It looks at :window lanes, and at as many jobs of lanes, of keys and of
-- suspects each, and says whether these were all.
--
-- From the end of each lane: at its begin are the entries of jobs that have just ended.
with recursive lane (queue, priority) as (
    (
        select j.queue, j.priority from simple_queue.jobs j
        where j.gate is null and j.held is null
        order by j.queue desc, j.priority desc
        limit 1
    )
    union all
    select next.queue, next.priority
    from lane
    cross join lateral (
        select j.queue, j.priority from simple_queue.jobs j
        where j.gate is null and j.held is null and (j.queue, j.priority) < (lane.queue, lane.priority)
        order by j.queue desc, j.priority desc
        limit 1
    ) next
), lanes as materialized (
    select lane.queue, lane.priority from lane limit :window
), of_lanes as materialized (
    select row.worker_id is null as is_wanted
    from lanes lane
    cross join lateral (
        select j.worker_id from simple_queue.jobs j
        where j.queue = lane.queue and j.priority = lane.priority and j.gate is null and j.held is null
            and j.run_at > now() + :due_after::interval and j.run_at <= now() + :due_within::interval
        order by j.run_at desc
        limit :window
    ) row
    limit :window
), apart as materialized (
    (
        select j.worker_id, j.run_at from simple_queue.jobs j
        where j.gate is not null and j.held is null
        order by j.gate desc
        limit :window
    )
    union all
    (
        select j.worker_id, j.run_at from simple_queue.jobs j
        where j.held = '00000000-0000-0000-0000-000000000000'
        limit :window
    )
)
select of_lanes.wanted + apart.wanted as counted,
    of_lanes.seen < :window and apart.seen < :window and (select count(*) from lanes) < :window as is_all
from (
    select count(*) as seen, count(*) filter (where of_lanes.is_wanted) as wanted from of_lanes
) of_lanes
cross join (
    select count(*) as seen, count(*) filter (
        where apart.worker_id is null
            and apart.run_at > now() + :due_after::interval and apart.run_at <= now() + :due_within::interval
    ) as wanted
    from apart
) apart
