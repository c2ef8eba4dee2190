-- due_of_key
-- The next jobs of a key that are due, with their costs.
--
-- needs: k (gate, n); instant, delayed
-- gives: a query (id, priority, run_at, cost)
select found.id, found.priority, found.run_at, greatest(coalesce(found.cost, 1), 1) as cost
from (
    (
        select j.id, j.priority, j.run_at, j.cost from simple_queue.jobs j
        where j.gate = k.gate and j.held is null and j.run_at <= (select instant.t from instant)
            and j.worker_id is null and not (select delayed.are_there from delayed)
        order by j.priority, j.run_at, j.id
        limit k.n
    )
    union all
    select next.id, next.priority, next.run_at, next.cost
    from (
        \ir first_lane.sql
    ) lane
    cross join lateral (
        select lane.priority
        union all
        \ir other_lanes.sql
    ) each
    cross join lateral (
        select j.id, j.priority, j.run_at, j.cost from simple_queue.jobs j
        where j.gate = k.gate and j.held is null and j.priority = each.priority
            and j.run_at <= (select instant.t from instant) and j.worker_id is null
        order by j.run_at, j.id
        limit k.n
    ) next
) found
limit k.n
