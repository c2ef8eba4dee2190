-- retire_worker
-- Sent last by a process that has returned all its jobs.
with deleted as (
    delete from simple_queue.workers w where w.id = :worker_id returning w.id
), unmarked as (
    delete from simple_queue.idle_workers where worker_id = :worker_id
)
\ir parts/released_quotas.sql
select count(*) from released
