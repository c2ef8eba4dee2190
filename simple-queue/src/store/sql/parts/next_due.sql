-- next_due
-- Seconds until the next demanded job is due.
--
-- needs: demand
-- gives: next_due (wait), one row
, next_due as (
    select extract(epoch from min(ahead.run_at) - now())::double precision as wait
    from demand
    cross join lateral unnest(demand.priorities) as lane (priority)
    join lateral jsonb_to_recordset(demand.shares)
        as share (permits integer, kinds text[], excluded text[])
        on share.permits * 0 = 0
    cross join lateral (
        select coalesce(
            (
                select coming.run_at
                from (
                    select j.run_at, j.kind from simple_queue.jobs j
                    where j.queue = demand.queue and j.priority = lane.priority
                        and j.gate is null and j.held is null
                        and j.run_at > now() and j.worker_id is null
                    order by j.run_at
                    limit 100
                ) coming
                where case
                    when share.kinds is null then coming.kind <> all (share.excluded)
                    else coming.kind = any (share.kinds)
                end
                limit 1
            ),
            -- Bounded look-ahead of 100 rows: any number of jobs of other kinds may wait there. After 100 of them it is
            -- time to poll again.
            (
                select j.run_at from simple_queue.jobs j
                where j.queue = demand.queue and j.priority = lane.priority
                    and j.gate is null and j.held is null
                    and j.run_at > now() and j.worker_id is null
                order by j.run_at
                offset 99 limit 1
            )
        ) as run_at
    ) ahead
)
