-- claim_suspect
-- Claims one job that has killed processes: of those that the caller may start, the one that has been due longest. Such
-- jobs rest apart, so that no fetch claims more of them than may run, which is one at a time per process. If :only is
-- not null, claims only that job.
with due as materialized (
    select array(
        select j.ctid
        \ir parts/suspects.sql
            and j.id = coalesce(:only, j.id)
        order by j.run_at, j.id
        limit 1
        for update of j skip locked
    ) as ctids
)
\ir parts/worker.sql
\ir parts/claimed.sql
, summary as (
    select jsonb_build_object('now', now(), 'completed', '[]'::jsonb) as summary
)
\ir parts/answer.sql
