-- read_contents_of_jobs
select
    \ir parts/contents.sql
    , null::text as result, null::text as reason
from simple_queue.jobs j
where j.id = any (:ids::uuid[])
