-- next_due
-- How long until the next job is due that was demanded, in seconds.
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
            -- Of kinds that others run there may be any number: after a hundred of those it is time to look
            -- again, and no more are read.
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
