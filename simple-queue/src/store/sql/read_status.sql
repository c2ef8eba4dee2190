-- read_status
select status from simple_queue.all_jobs where id = $1
