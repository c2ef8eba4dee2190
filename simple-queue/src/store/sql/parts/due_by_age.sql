-- due_by_age
-- As due.sql, for demands of which some queues let jobs gain on more urgent ones as they wait: such a queue reads its
-- priorities in the order of the due time of their first jobs, put off by the queue's age for each step of priority.
-- The other queues read theirs in order.
--
-- needs: demand; :ages, a JSON object with the seconds for each queue; :include_touched, :limit, :margin
-- gives: due (ctids), one row
, due as materialized (
    select array(
        select due.ctid
        from demand
        left join lateral (
            select make_interval(secs => (:ages::jsonb ->> demand.queue)::double precision) as step
        ) age on true
        cross join lateral (
            select picked.ctid
            from (
                select lane.priority
                from unnest(demand.priorities) as lane (priority)
                left join lateral (
                    select min(first.run_at) as run_at
                    from (select where age.step is not null) as aged
            \ir lane_floor.sql
                    cross join lateral (
                        select j.run_at from simple_queue.jobs j
                \ir lane_rows.sql
                        limit 1
                    ) first
                ) head on true
                order by head.run_at + lane.priority * age.step, lane.priority
            ) lane
            \ir lane_floor.sql
            cross join lateral (
                select j.ctid from simple_queue.jobs j
                \ir lane_rows.sql
                limit share.permits
                for update skip locked
            ) picked
            limit demand.permits
        ) due
        limit :limit
    ) as ctids
)
