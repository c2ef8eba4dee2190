-- list_paused_queues
select name from simple_queue.queues where paused_at is not null order by name collate "C"
