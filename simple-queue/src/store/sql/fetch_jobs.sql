-- fetch_jobs
-- Completes runs, and claims for every queue in the demand at most as many due jobs as it has free permits: one
-- statement, one commit.
--
-- The rows are locked before their ctids are used, and are updated by an array of ctids. Joined by id, a bound limit
-- would become a hash join with a sequential scan in a generic plan.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/demand.sql
\ir parts/due.sql
\ir parts/claimed.sql
\ir parts/next_due.sql
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
\ir parts/answer.sql
