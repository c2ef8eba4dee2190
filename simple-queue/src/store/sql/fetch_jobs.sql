-- fetch_jobs
-- Finishes what is done, and claims for every queue in the demand at most as many due jobs as it has free permits:
-- one statement, one commit.
--
-- The rows are locked before their ctids are used, and claimed by ctid through an array: joined back
-- by id, a bound limit would become a hash join with a scan of the whole table in a generic plan.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/demand.sql
\ir parts/due.sql
\ir parts/claimed.sql
\ir parts/next_due.sql
, summary as (
    -- The wait and the lanes are looked up only when permits are left: otherwise the next fetch follows as soon as
    -- one is free, and of a thousand queues only those were read that the permits sufficed for.
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
