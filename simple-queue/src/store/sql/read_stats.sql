-- read_stats
-- The rows of a width in a time, of one queue or kind if it is named.
select s.at, s.queue, s.kind, s.runs, s.completed, s.retried, s.snoozed, s.dead, s.cancelled, s.wait_ms, s.run_ms,
    s.wait, s.run, s.waiting, s.later, s.oldest_ms
from simple_queue.stats s
where s.width = :width and s.at >= coalesce(:since::timestamptz, now() - :last::interval)
    and s.at < coalesce(:until::timestamptz, 'infinity')
    and (:queue::text is null or s.queue = :queue) and (:kind::text is null or s.kind = :kind)
order by s.at, s.queue collate "C", s.kind collate "C"
