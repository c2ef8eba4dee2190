-- found
-- What a filter wants of the rows that were looked at. Each answer says how many rows were looked at, how many of them
-- are wanted, and which was the last, so there is a row even if none is wanted.
--
-- needs: f; seen, the rows of a list with position and key_gate; :limit
-- gives: the end of the statement
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
select w.id, w.lease, w.queue, w.kind, w.status, w.priority, w.attempt, w.max_attempts, w.crash_count, w.worker_id,
    w.run_at, w.scheduled_at, w.created_at, w.changed_at, w.finished_at, w.key_gate,
    counted.looked_at, counted.matched, last.id as last_id, last.priority as last_priority,
    last.run_at as last_run_at, last.finished_at as last_finished_at, last.key_gate as last_gate
from (
    select (select count(*) from seen) as looked_at, (select count(*) from wanted) as matched
) counted
left join lateral (
    select seen.id, seen.priority, seen.run_at, seen.finished_at, seen.key_gate from seen order by seen.position desc limit 1
) last on true
left join lateral (
    select wanted.* from wanted order by wanted.position limit :limit
) w on true
order by w.position
