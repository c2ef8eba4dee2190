-- delete_dead_workers
-- Runs after the processes' jobs were returned. A job whose row was locked then is still in its process's name, so that
-- process stays until the next time.
with deleted as (
    delete from simple_queue.workers w
    where w.id = any (:workers)
        and not exists (select from simple_queue.jobs j where j.worker_id = w.id)
    returning w.id
), unmarked as (
    delete from simple_queue.idle_workers i
    where i.worker_id = any (array(select deleted.id from deleted))
)
\ir parts/released_quotas.sql
select count(*) from deleted where (select count(*) from released) >= 0
