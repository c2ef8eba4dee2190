-- find_holder_of_key
-- The live job that has this unique key, or the one that keeps it, with the end of that time.
select j.id, null::timestamptz as kept_until from simple_queue.jobs j where j.unique_key = :key
union all
select k.job_id, k.kept_until from simple_queue.kept_keys k
where k.unique_key = :key::text collate "C" and k.kept_until > now()
limit 1
