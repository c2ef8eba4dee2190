-- list_jobs_of_worker
-- What is in the name of a process, in the order in which rows are locked.
select id from simple_queue.jobs where worker_id = :worker_id order by id
