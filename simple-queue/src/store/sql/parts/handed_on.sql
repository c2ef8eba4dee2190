-- handed_on
-- Claims the jobs that take over a place, and releases the places that are left.
--
-- needs: completed, worker, rule, freed; handed (gate, id); :channel
-- gives: rows, the end of the statement
\ir back.sql
, letters as materialized (
    select back.gate, null::timestamptz as due_at, back.n as released, null::uuid as job_id from back
), starting as (
    select handed.id from handed
)
\ir claimed_of_keys.sql
\ir turned.sql
, summary as (
    select jsonb_build_object(
        'now', now(),
        'completed', array(select completed.id from completed),
        'is_declared', exists (select from rule) or not exists (select from worker),
        'notified', (select count(*) from turned)
    ) as summary
)
\ir answer.sql
