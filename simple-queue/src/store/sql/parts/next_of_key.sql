-- next_of_key
-- Locks the next jobs of a key that are due, except those whose rows are locked.
--
-- needs: k (gate, n); instant, delayed
-- gives: a query (id)
select found.id
from (
    select next.id
    from (
        select j.id from simple_queue.jobs j
        where j.gate = k.gate and j.held is null and j.run_at <= (select instant.t from instant)
            and j.worker_id is null and not (select delayed.are_there from delayed)
        order by j.priority, j.run_at, j.id
        limit k.n
        for update skip locked
    ) next
    union all
    select next.id
    from (
        \ir first_lane.sql
    ) lane
    cross join lateral (
        select lane.priority
        union all
        \ir other_lanes.sql
    ) each
    cross join lateral (
        select j.id from simple_queue.jobs j
        where j.gate = k.gate and j.held is null and j.priority = each.priority
            and j.run_at <= (select instant.t from instant) and j.worker_id is null
        order by j.run_at, j.id
        limit k.n
        for update skip locked
    ) next
) found
limit k.n
