-- claim_overtaken_jobs
-- Claims jobs by id that a sweep found below the floors, where no fetch reads. Jobs that were claimed, locked or
-- postponed meanwhile are left alone, and so are those of paused queues.
with due as materialized (
    select array(
        select j.ctid from simple_queue.jobs j
        where j.id = any (:ids) and j.worker_id is null
            -- A case expression, so that the condition does not imply the predicate of the fetch index. The planner
            -- does not know the ids, and would read that whole index if it takes the table to be small.
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
