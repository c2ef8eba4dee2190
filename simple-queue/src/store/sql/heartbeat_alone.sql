-- heartbeat_alone
-- Says that this process lives, and asks nothing: for when the database refuses the whole statement.
update simple_queue.workers set heartbeat_at = now() where id = :worker_id returning id
