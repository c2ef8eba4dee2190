-- look_at_runs
-- Runs of which their processes told at their last heartbeats, with what bounds them.
select j.id, j.queue, j.kind, w.host, w.pid, run.ran as seconds,
    extract(epoch from j.timeout)::double precision as timeout,
    extract(epoch from now() - j.cancel_requested_at)::double precision as cancel_asked
from simple_queue.workers w
cross join lateral jsonb_to_recordset(w.runs) as run (id uuid, ran double precision)
join simple_queue.jobs j on j.id = run.id and j.worker_id = w.id
order by run.ran desc
limit 1000
