-- visit_rated_gates
-- Completes runs of jobs under a rate that holds for each key, and claims the next jobs of their keys and of others, at
-- most :permits: one statement, one commit. For sequences with a rate too, of which one job at a time runs.
--
-- Like visit_gates, but no job takes over the place of another: each start needs a token, and the tokens are in the row
-- of the gate. A key without tokens loses its turns, and gets one for the time at which some are there again. Until then
-- nobody looks at it, however many jobs wait.
--
-- The jobs of a process that starts them late get :needs seconds from their token to their start.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/rated_rule.sql
\ir parts/rated_visit.sql
, picked as materialized (
    select k.gate, k.is_new, next.id, next.cost
    -- In the order of the ring, so that `last` is the last key that had its turn.
    from (select room.* from room order by room.gate) k
    cross join lateral (
        \ir parts/next_within_rate.sql
    ) next
    limit (select rest.n from rest)
)
\ir parts/left_by_rate.sql
\ir parts/claimed_of_keys.sql
\ir parts/turned.sql
\ir parts/visit_summary.sql
, times as (
    select jsonb_build_object(
        'start_within', jsonb_object_agg(picked.id, room.start_within) filter (where room.start_within is not null)
    ) as summary
    from picked
    join room on room.gate = picked.gate
)
select claimed.*, null::jsonb as summary from claimed
union all
-- As many nulls as a claimed job has columns.
select claimed.*, summary.summary || times.summary from summary cross join times left join claimed on false
