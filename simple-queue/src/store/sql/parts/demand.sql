-- demand
-- What is demanded of each queue that is not paused, and the priorities to read there, in order.
--
-- Priorities that the caller does not know are searched in the gaps between the known ones, with one index descent
-- each, in order and after `probe_after`; at most `probes` of them.
--
-- needs: :demand, a JSON array of a `Demand` for each queue
-- gives: demand (queue, permits, shares, priorities)
, demand as materialized (
    select d.queue, d.permits, d.shares, array(
        with recursive gap (low, high) as (
            select coalesce(lag(bound) over (order by bound), -32769), bound
            from (
                select known.priority::integer from unnest(d.priorities) as known (priority)
                union all
                select 32768
            ) as bounds (bound)
        ), lane (priority) as (
            select d.probe_after
            union all
            select next.priority
            from lane
            cross join lateral (
                select found.priority
                -- In this order, so the search stops at the first gap that has a job.
                from (select gap.low, gap.high from gap order by gap.low offset 0) gap
                cross join lateral (
                    select j.priority::integer from simple_queue.jobs j
                    where j.queue = d.queue and j.gate is null and j.held is null
                        and j.priority > greatest(gap.low, lane.priority) and j.priority < gap.high
                    order by j.priority limit 1
                ) found
                where gap.high > lane.priority + 1
                limit 1
            ) next
        )
        (select lane.priority from lane offset 1 limit d.probes)
        union all
        select known.priority::integer from unnest(d.priorities) as known (priority)
        order by priority
    ) as priorities
    from jsonb_to_recordset(:demand) as d (
        queue text, permits integer, priorities smallint[], probe_after integer, probes integer, shares jsonb
    )
    -- Always true. jsonb_to_recordset is estimated at 100 rows; this filter lowers the estimate to 1. Otherwise the
    -- nested sets look like enough work for JIT.
    where d.permits * 0 = 0 and not exists (
        select from simple_queue.queues q where q.name = d.queue and q.paused_at is not null
    )
)
