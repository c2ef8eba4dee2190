-- retire_worker
-- The last word of a process that has returned all it held.
delete from simple_queue.workers where id = $1
