-- archive_jobs_of_keys
-- Like archive_jobs, for jobs under a limit that holds for each key: their places are released. For runs that no visit
-- completes, among them those that a transaction of a handler completes.
\ir parts/completed.sql
, letters as (
    select completed.gate, null::timestamptz as due_at, count(*)::integer as released, null::uuid as job_id
    from completed
    where completed.gate is not null
    group by completed.gate
)
\ir parts/turned.sql
select coalesce(array_agg(completed.id), '{}') from completed where (select count(*) from turned) >= 0
