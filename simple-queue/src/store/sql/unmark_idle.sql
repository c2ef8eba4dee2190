-- unmark_idle
-- Spares those who enqueue the notifying.
delete from simple_queue.idle_workers where worker_id = :worker_id
