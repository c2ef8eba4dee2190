-- mark_suspect
-- Written before a job that has killed processes is started again, so that only it is held to have
-- done it should this process die too; null when it is over.
update simple_queue.workers set suspect_id = :suspect_id where id = :worker_id
