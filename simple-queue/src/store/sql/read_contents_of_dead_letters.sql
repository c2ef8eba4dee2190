-- read_contents_of_dead_letters
select
    \ir parts/contents.sql
    , null::text as result, j.reason
from simple_queue.dead_letters j
where j.id = any (:ids::uuid[])
