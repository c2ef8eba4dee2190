-- match_archived
-- As match_jobs, among completed jobs. Their ends say in which days they are.
with
\ir parts/contents_asked.sql
select j.id
from (
    select a.id, a.job_data, a.metadata, a.tags, a.fingerprint, a.unique_key, a.errors, null::text as reason,
        null::text as error_key
    from unnest(:ids::uuid[], :finished_ats::timestamptz[]) as asked (id, finished_at)
    join simple_queue.archive a on a.id = asked.id and a.finished_at = asked.finished_at
) j
cross join c
where
    \ir parts/contents_wanted.sql
