-- find_holder_of_dead_key
select j.unique_key, j.id
from simple_queue.dead_letters d
join simple_queue.jobs j on j.unique_key = d.unique_key
where d.id = $1
