-- retire_worker
-- The last word of a process that has returned all it held.
with unmarked as (
    delete from simple_queue.idle_workers where worker_id = :worker_id
)
delete from simple_queue.workers where id = :worker_id
