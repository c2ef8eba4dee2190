-- try_jobs_of_keys
-- Claims jobs by id, whatever their keys, in a transaction that is rolled back: whether the database refuses one.
with due as materialized (
    select array(
        select j.ctid from simple_queue.jobs j
        where j.id = any (:ids) and j.worker_id is null
        order by j.id
        for update of j skip locked
    ) as ctids
)
\ir parts/worker.sql
\ir parts/claimed.sql
, summary as (
    select jsonb_build_object('now', now(), 'completed', '[]'::jsonb) as summary
)
\ir parts/answer.sql
