-- retire_worker
-- Sent last by a process that has returned all its jobs.
with unmarked as (
    delete from simple_queue.idle_workers where worker_id = :worker_id
)
delete from simple_queue.workers where id = :worker_id
