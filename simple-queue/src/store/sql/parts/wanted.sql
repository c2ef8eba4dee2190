-- wanted
-- What a filter wants of the rows that were looked at, but for what they contain.
--
-- needs: f; seen, the rows of a list
-- gives: wanted, with the columns of seen
, wanted as materialized (
    select seen.*
    from seen
    cross join f
    where (f.live is null or case f.live
            when 'running' then seen.status = 'running'
            when 'waiting' then seen.status = 'pending' and seen.run_at <= now()
            else seen.status = 'pending' and seen.run_at > now()
        end)
        and (f.queues is null or seen.queue = any (f.queues))
        and (f.kinds is null or seen.kind = any (f.kinds))
        and (f.statuses is null or seen.status = any (f.statuses))
        and (f.ids is null or seen.id = any (f.ids))
        and (f.worker is null or seen.worker_id = f.worker)
        and (f.priority_from is null or seen.priority >= f.priority_from)
        and (f.priority_to is null or seen.priority <= f.priority_to)
        and (f.attempt_from is null or seen.attempt >= f.attempt_from)
        and (f.attempt_to is null or seen.attempt <= f.attempt_to)
        and (f.created_from is null or seen.created_at >= f.created_from)
        and (f.created_to is null or seen.created_at < f.created_to)
        and (f.finished_from is null or seen.finished_at >= f.finished_from)
        and (f.finished_to is null or seen.finished_at < f.finished_to)
)
