-- register_worker
insert into simple_queue.workers (id, heartbeat_interval, pid, host, queues, release)
values (:id, :heartbeat_interval, :pid, :host, :queues, :release)
on conflict (id) do nothing
