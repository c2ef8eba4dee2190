-- found
-- What a filter wants of the rows that were looked at. Each answer says how many rows were looked at, how many of them
-- are wanted, and which was the last, so there is a row even if none is wanted.
--
-- needs: f; seen, the rows of a list with position and key_gate; :limit
-- gives: the end of the statement
\ir wanted.sql
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
