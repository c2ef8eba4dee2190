-- pause_schedule
update simple_queue.schedules s
set paused_at = coalesce(s.paused_at, now()), updated_at = case when s.paused_at is null then now() else s.updated_at end
where s.name = :name
returning s.name
