-- register_worker
insert into simple_queue.workers (id, heartbeat_interval, pid, host, queues)
values ($1, $2, $3, $4, $5)
on conflict (id) do nothing
