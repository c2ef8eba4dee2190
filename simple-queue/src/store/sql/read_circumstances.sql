-- read_circumstances
-- What concerns the start of a live job, beside its own row: its process, its hold, its gate.
select j.expires_at, j.cancel_requested_at, extract(epoch from j.timeout)::double precision as timeout,
    j.reprocess_count, j.held, j.gate, w.host, w.pid, w.heartbeat_at,
    (select q.paused_at from simple_queue.queues q where q.name = j.queue) as queue_paused_at,
    (select p.paused_at from simple_queue.paused_kinds p where p.queue = j.queue and p.kind = j.kind) as kind_paused_at
from simple_queue.jobs j
left join simple_queue.workers w on w.id = j.worker_id
where j.id = :id
