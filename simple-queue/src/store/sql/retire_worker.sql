-- retire_worker
-- The last word of a process that has returned all it held.
with unmarked as (
    delete from simple_queue.idle_workers where worker_id = $1
)
delete from simple_queue.workers where id = $1
