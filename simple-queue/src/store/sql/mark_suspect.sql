-- mark_suspect
-- Written before a job that has killed processes is started again, so that only this job is blamed if this process dies
-- too; null when the job has ended.
update simple_queue.workers set suspect_id = :suspect_id where id = :worker_id
