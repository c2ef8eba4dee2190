-- delete_jobs
-- Deletes waiting jobs, which this transaction has locked. Nothing remembers them.
with deleted as (
    delete from simple_queue.jobs j
    where j.id = any (:ids::uuid[]) and j.worker_id is null
    returning j.id, j.gate
), leaving_places as (
    select deleted.id from deleted where deleted.gate like 'order:%'
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
)
\ir parts/turned.sql
select deleted.id, 'done' as outcome, (select count(*) from turned) as notified from deleted
