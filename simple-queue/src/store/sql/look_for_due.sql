-- look_for_due
-- Whether a job is due that this demand could claim, and if none is, the seconds until one is. Locks nothing.
with nothing as (select)
\ir parts/demand.sql
\ir parts/next_due.sql
select exists (
    select from demand
    cross join lateral unnest(demand.priorities) as lane (priority)
    join lateral jsonb_to_recordset(demand.shares)
        as share (permits integer, kinds text[], excluded text[], floors jsonb)
        on share.permits * 0 = 0
    left join lateral (
        select coalesce(known.run_at, now() - :margin::interval) as run_at, known.id
        from jsonb_to_recordset(share.floors) as known (priority smallint, run_at timestamptz, id uuid)
        where known.priority = lane.priority
        limit 1
    ) floor on true
    cross join lateral (
        select from simple_queue.jobs j
        where j.queue = demand.queue and j.priority = lane.priority
            and j.gate is null and j.held is null
            and (j.run_at, j.id) >= (
                coalesce(floor.run_at, '-infinity'),
                coalesce(floor.id, '00000000-0000-0000-0000-000000000000')
            )
            and j.run_at <= now() and j.worker_id is null
            and case
                when share.kinds is null then j.kind <> all (share.excluded)
                else j.kind = any (share.kinds)
            end
        order by j.run_at, j.id
        limit 1
    ) due
) as is_due, (select next_due.wait from next_due) as wait
