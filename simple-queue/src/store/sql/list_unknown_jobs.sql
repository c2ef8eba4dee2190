-- list_unknown_jobs
-- The jobs of all tables but those with these ids, in the order of their ids; for tests.
select known.id, known.queue, known.kind, known.version, known.fingerprint, known.unique_key, known.created_at,
    known.run_at, known.attempt, known.job_data::text as job_data, known.max_attempts, known.priority,
    extract(epoch from known.run_at - statement_timestamp())::double precision as due_in
from (
    select j.id, j.queue, j.kind, j.version, j.fingerprint, j.unique_key, j.created_at, j.run_at, j.attempt, j.job_data,
        j.max_attempts, j.priority
    from simple_queue.jobs j
    union all
    select a.id, a.queue, a.kind, a.version, a.fingerprint, a.unique_key, a.created_at, null, a.attempt, a.job_data,
        a.max_attempts, a.priority
    from simple_queue.archive a
    union all
    select d.id, d.queue, d.kind, d.version, d.fingerprint, d.unique_key, d.created_at, null, d.attempt, d.job_data,
        d.max_attempts, d.priority
    from simple_queue.dead_letters d
) known
where known.id <> all (:known::uuid[])
order by known.id
