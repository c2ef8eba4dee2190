-- unmark_idle
-- Spares enqueuers the NOTIFY.
delete from simple_queue.idle_workers where worker_id = :worker_id
