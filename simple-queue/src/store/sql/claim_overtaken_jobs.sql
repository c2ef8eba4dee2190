-- claim_overtaken_jobs
-- Claims jobs that a sweep found below the floors, where no fetch reads, by their ids. What was claimed, locked or
-- put off meanwhile, or is of a queue that was paused, is left alone.
with worker as materialized (
    -- A claim needs the process's own row and keeps it from being taken for dead meanwhile.
    select id from simple_queue.workers where id = :worker_id for key share
), due as materialized (
    select array(
        select j.ctid from simple_queue.jobs j
        where j.id = any (:ids) and j.worker_id is null and j.gate is null and j.held is null and j.run_at <= now()
            and not exists (
                select from simple_queue.queues q where q.name = j.queue and q.paused_at is not null
            )
        order by j.id
        for update of j skip locked
    ) as ctids
)
\ir parts/claimed.sql
select claimed.*, null::jsonb as said from claimed
union all
select null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
    jsonb_build_object('now', now(), 'finished', '[]'::jsonb)
