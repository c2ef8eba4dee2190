-- find_jobs_anywhere
-- Which of these ids were ever inserted, for an insert whose answer was lost.
select id, lease from simple_queue.jobs where id = any(:ids)
union all
select id, lease from simple_queue.archive where id = any(:ids)
union all
select id, lease from simple_queue.dead_letters where id = any(:ids)
