-- heartbeat_alone
-- Records only that this process is alive, for when the database refuses the whole heartbeat statement.
update simple_queue.workers set heartbeat_at = now() where id = :worker_id returning id
