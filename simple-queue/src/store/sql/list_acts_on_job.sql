-- list_acts_on_job
-- What was done to one job, the last first.
select
    \ir parts/act_columns.sql
from simple_queue.audit a
where a.job_id = :job_id
order by a.id desc
limit :limit
