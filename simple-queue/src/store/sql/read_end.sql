-- read_end
select status, result, reason from simple_queue.all_jobs where id = $1
