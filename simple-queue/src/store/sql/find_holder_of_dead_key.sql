-- find_holder_of_dead_key
-- The job that keeps a dead letter from becoming pending: a live one with the same unique key or the same id, or another
-- one that keeps the key.
select j.unique_key, j.id
from simple_queue.dead_letters d
join simple_queue.jobs j on j.unique_key = d.unique_key or j.id = d.id
where d.id = :id
union all
select k.unique_key, k.job_id
from simple_queue.dead_letters d
join simple_queue.kept_keys k
    on k.unique_key = d.unique_key collate "C" and k.job_id <> d.id and k.kept_until > now()
where d.id = :id
limit 1
