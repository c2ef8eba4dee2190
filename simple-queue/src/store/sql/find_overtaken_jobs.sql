-- find_overtaken_jobs
-- Due jobs below the floors, in due order, at most :limit for each requested part of a lane. A part without a start
-- starts with the lane; one without an end ends :margin before now.
--
-- Locks nothing: jobs that another process is claiming are found too, and the claim skips them.
select now() as now, found.part, found.id, found.run_at
from (select) always
left join lateral (
    select asked.part, job.id, job.run_at
    from jsonb_to_recordset(:parts) as asked (
        part integer, queue text, priority smallint, kinds text[], excluded text[],
        from_run_at timestamptz, from_id uuid, until_run_at timestamptz, until_id uuid
    )
    cross join lateral (
        select j.id, j.run_at from simple_queue.jobs j
        where j.queue = asked.queue and j.priority = asked.priority
            and j.gate is null and j.held is null
            and (j.run_at, j.id) >= (
                coalesce(asked.from_run_at, '-infinity'),
                coalesce(asked.from_id, '00000000-0000-0000-0000-000000000000')
            )
            and (j.run_at, j.id) < (
                coalesce(asked.until_run_at, now() - :margin::interval),
                coalesce(asked.until_id, '00000000-0000-0000-0000-000000000000')
            )
            and j.run_at <= now() and j.worker_id is null
            and case
                when asked.kinds is null then j.kind <> all (asked.excluded)
                else j.kind = any (asked.kinds)
            end
        order by j.run_at, j.id
        limit :limit
    ) job
    where not exists (
        select from simple_queue.queues q where q.name = asked.queue and q.paused_at is not null
    )
) found on true
order by found.part, found.run_at, found.id
