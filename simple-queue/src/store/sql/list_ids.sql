-- list_ids
-- The ids of all jobs, for tests.
select j.id from simple_queue.jobs j
union all
select a.id from simple_queue.archive a
union all
select d.id from simple_queue.dead_letters d
