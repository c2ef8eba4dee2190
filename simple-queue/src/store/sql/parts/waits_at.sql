-- waits_at
-- When a job of the key that was not taken may start: now, or at its due time within a minute; null: there is none. It
-- looks ahead, because a job that became due since the clock was read may have a turn that this visit consumes; and it
-- locks nothing, so it sees jobs that others have locked for an instant. Of the jobs that will be due it reads a hundred,
-- because the first one may be in any priority.
--
-- needs: k (gate, ids), ids are the taken jobs; instant, delayed
-- gives: an expression
coalesce(
    (
        select instant.t from instant where exists (
            select from simple_queue.jobs j
            where j.gate = k.gate and j.held is null and j.run_at <= (select instant.t from instant)
                and j.worker_id is null and j.id <> all (k.ids) and not (select delayed.are_there from delayed)
        )
    ),
    (
        select min(coming.run_at)
        from (
            select j.run_at from simple_queue.jobs j
            where j.gate = k.gate and j.held is null and j.run_at > (select instant.t from instant)
                and j.run_at <= (select instant.t + interval '1 minute' from instant) and j.worker_id is null
                and not (select delayed.are_there from delayed)
            order by j.priority, j.run_at
            limit 100
        ) coming
    ),
    (
        select greatest(min(next.run_at), (select instant.t from instant))
        from (
            \ir first_lane.sql
        ) lane
        cross join lateral (
            select lane.priority
            union all
            \ir other_lanes.sql
        ) each
        cross join lateral (
            select j.run_at from simple_queue.jobs j
            where j.gate = k.gate and j.held is null and j.priority = each.priority
                and j.run_at <= (select instant.t + interval '1 minute' from instant)
                and j.worker_id is null and j.id <> all (k.ids)
            order by j.run_at
            limit 1
        ) next
        having min(next.run_at) is not null
    )
)
