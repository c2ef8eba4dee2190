-- mark_idle
-- Says that this process sleeps until it is notified. The lock keeps its row, and so the mark that goes with it,
-- from being buried meanwhile. A process that has no row any more leaves no mark, and learns so.
with worker as materialized (
    select w.id from simple_queue.workers w where w.id = :worker_id for key share
), marked as (
    insert into simple_queue.idle_workers (worker_id)
    select worker.id from worker
    on conflict (worker_id) do nothing
)
select exists (select from worker) as is_marked
