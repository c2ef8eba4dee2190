-- match_dead_letters
-- As match_jobs, among dead letters.
with
\ir parts/contents_asked.sql
select j.id
from (
    select j.id, j.job_data, j.metadata, j.tags, j.fingerprint, j.unique_key, j.errors, j.reason,
        j.error_key
    from simple_queue.dead_letters j
    where j.id = any (:ids::uuid[])
) j
cross join c
where
    \ir parts/contents_wanted.sql
