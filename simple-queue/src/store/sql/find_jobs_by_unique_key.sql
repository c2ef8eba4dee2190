-- find_jobs_by_unique_key
select id, unique_key from simple_queue.jobs where unique_key = any(:keys)
