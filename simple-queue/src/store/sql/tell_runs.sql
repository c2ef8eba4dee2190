-- tell_runs
-- Writes into the row of a process what it has been running for long.
update simple_queue.workers set runs = :runs where id = :worker_id
