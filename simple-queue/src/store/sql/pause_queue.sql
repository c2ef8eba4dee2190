-- pause_queue
insert into simple_queue.queues (name, paused_at) values ($1, now())
on conflict (name) do update set paused_at = coalesce(queues.paused_at, now()), updated_at = now()
