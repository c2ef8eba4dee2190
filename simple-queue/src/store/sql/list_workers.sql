-- list_workers
-- The worker processes, those that have been running for longest first.
select w.id, w.host, w.pid, w.queues, w.release, w.started_at, w.heartbeat_at, now() as now,
    w.permits, w.claimed, w.full_since,
    extract(epoch from w.heartbeat_interval)::double precision as heartbeat_interval
from simple_queue.workers w
order by w.started_at, w.id
