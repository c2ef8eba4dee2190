-- ended_places
-- The places that these jobs release. A job that fails for good in a sequence which halts then keeps its place, until an
-- operator redrives or skips it.
--
-- needs: leaving (id, gate, failed), jobs that ran
-- gives: places (gate, due_at, released, job_id)
, places as (
    select leaving.gate, case when halting.halts then timestamptz 'infinity' end as due_at, 1 as released,
        case when halting.halts then leaving.id end as job_id
    from leaving
    cross join lateral (
        select leaving.failed and exists (
            select from simple_queue.limits l
            where l.name = split_part(leaving.gate, '#', 1) and l.after_failure = 'halt'
        ) as halts
    ) halting
    where leaving.gate is not null
)
