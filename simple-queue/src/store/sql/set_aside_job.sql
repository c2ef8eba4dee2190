-- set_aside_job
-- Moves a job to the dead letters that the database refuses to hand out, or to return from a dead process, so that it
-- holds up no other. Only while it is in the name of :worker_id, or of nobody where that is null. Nothing is
-- computed from what is in the row.
with aside as (
    delete from simple_queue.jobs j
    where j.id = :id and j.worker_id is not distinct from :worker_id
    returning j.*
)
\ir parts/into_dead_letters.sql
select
    \ir parts/job_columns.sql
    id, lease, worker_id, now(), 'unprocessable', :reason, attempt, reprocess_count, crash_count, timeout, null, errors
from aside
\ir parts/overwrite_dead_letter.sql
returning id
