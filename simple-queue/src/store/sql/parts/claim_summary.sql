-- claim_summary
-- The summary row of a claim.
--
-- needs: completed, demand, due, next_due; :limit
-- gives: summary (summary), one row
, summary as (
    -- The wait and the lanes are looked up only if permits are left. Otherwise the next fetch follows as soon as a
    -- permit is free; and of a thousand queues only those were read for which the permits sufficed.
    select jsonb_build_object(
        'now', now(),
        'completed', array(select completed.id from completed),
        'wait', case when cardinality(due.ctids) < :limit then (select next_due.wait from next_due) end,
        'lanes', case when cardinality(due.ctids) < :limit then (
            select jsonb_object_agg(demand.queue, to_jsonb(demand.priorities)) from demand
        ) end
    ) as summary
    from due
)
