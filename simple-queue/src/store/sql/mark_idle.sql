-- mark_idle
-- Records that this process sleeps until it is notified. The lock on its row keeps the row, and the mark that is
-- deleted with it, from being deleted meanwhile. A process without a row leaves no mark, and learns so from the answer.
with worker as materialized (
    select w.id from simple_queue.workers w where w.id = :worker_id for key share
), marked as (
    insert into simple_queue.idle_workers (worker_id)
    select worker.id from worker
    on conflict (worker_id) do nothing
)
select exists (select from worker) as is_marked
