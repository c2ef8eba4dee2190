-- match_jobs
-- Which of these live jobs a filter wants for what they contain.
with
\ir parts/contents_asked.sql
select j.id
from (
    select j.id, j.job_data, j.metadata, j.tags, j.fingerprint, j.unique_key, j.errors, null::text as reason,
        null::text as error_key
    from simple_queue.jobs j
    where j.id = any (:ids::uuid[])
) j
cross join c
where
    \ir parts/contents_wanted.sql
