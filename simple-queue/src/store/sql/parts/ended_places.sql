-- ended_places
-- The places that these jobs release. A job that fails for good in a sequence which halts then keeps its place, until an
-- operator redrives or skips it. Where the others are dropped, it keeps its place until they are, and a turn brings the
-- visit that does so.
--
-- needs: leaving (id, gate, failed), jobs that ran
-- gives: places (gate, due_at, released, job_id)
, places as (
    select place.*
    from leaving
    cross join lateral (
        select (
            select l.after_failure from simple_queue.limits l
            where l.name = split_part(leaving.gate, '#', 1) and leaving.failed and l.after_failure <> 'continue'
        ) as follows
    ) failure
    cross join lateral (
        select leaving.gate, case when failure.follows is not null then timestamptz 'infinity' end as due_at, 1 as released,
            case when failure.follows is not null then leaving.id end as job_id
        union all
        select leaving.gate, null, 0, null where failure.follows = 'drop'
    ) place
    where leaving.gate is not null
)
