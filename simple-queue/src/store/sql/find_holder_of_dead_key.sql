-- find_holder_of_dead_key
-- The live job that keeps a dead letter from becoming pending: it has the same unique key, or the same id.
select j.unique_key, j.id
from simple_queue.dead_letters d
join simple_queue.jobs j on j.unique_key = d.unique_key or j.id = d.id
where d.id = :id
