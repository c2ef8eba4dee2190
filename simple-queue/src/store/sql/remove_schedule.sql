-- remove_schedule
delete from simple_queue.schedules s where s.name = :name returning s.name
