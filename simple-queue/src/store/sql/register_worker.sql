-- register_worker
insert into simple_queue.workers (id, heartbeat_interval, pid, host, queues)
values (:id, :heartbeat_interval, :pid, :host, :queues)
on conflict (id) do nothing
