-- list_running
-- Jobs that have been running for long, as their processes said with their last heartbeats. Those that have ended since
-- are left out.
select j.id, j.queue, j.kind, j.attempt, w.id as worker_id, w.host, w.pid,
    w.heartbeat_at - make_interval(secs => run.ran) as started_at, run.progress, left(run.note, 200) as note,
    j.cancel_requested_at is not null as is_cancelled
from simple_queue.workers w
cross join lateral jsonb_to_recordset(w.runs) as run (id uuid, ran double precision, progress double precision, note text)
join simple_queue.jobs j on j.id = run.id and j.worker_id = w.id
order by started_at, j.id
