-- claim_overtaken_jobs
-- Claims jobs that a sweep found below the floors, where no fetch reads, by their ids. What was claimed, locked or
-- put off meanwhile, or is of a queue that was paused, is left alone.
with due as materialized (
    select array(
        select j.ctid from simple_queue.jobs j
        where j.id = any (:ids) and j.worker_id is null
            -- A case, which does not imply the predicate of the index in which jobs wait. The planner knows nothing of
            -- the ids, and where it takes the table to be small it would read all of that index.
            and case when j.gate is null and j.held is null then j.run_at <= now() end
            and not exists (
                select from simple_queue.queues q where q.name = j.queue and q.paused_at is not null
            )
        order by j.id
        for update of j skip locked
    ) as ctids
)
\ir parts/worker.sql
\ir parts/claimed.sql
, summary as (
    select jsonb_build_object('now', now(), 'completed', '[]'::jsonb) as summary
)
\ir parts/answer.sql
