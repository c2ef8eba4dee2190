-- set_idle
update simple_queue.workers set idle = $2 where id = $1
