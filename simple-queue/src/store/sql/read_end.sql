-- read_end
select status, result::text, reason from simple_queue.all_jobs where id = :id
