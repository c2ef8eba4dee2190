-- find_jobs_by_fingerprint
select id from simple_queue.jobs where fingerprint = :fingerprint
