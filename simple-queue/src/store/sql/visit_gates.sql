-- visit_gates
-- Completes runs of jobs under a limit that holds for each key, and claims the next jobs of their keys and of others, at
-- most :permits: one statement, one commit.
--
-- A key's next job takes over the place of the one that ended, and the gate's row is not locked. Then the keys that
-- have turns are visited in a ring, from :after on, so that many keys share the permits, and two processes that began
-- at different keys do not meet. With :hands_over false no place is taken over, so that other keys have their turn.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/rule.sql
\ir parts/handed.sql
\ir parts/visited.sql
, picked as materialized (
    select k.gate, k.is_new, next.id
    -- In the order of the ring, so that `last` is the last key that had its turn.
    from (select room.* from room order by room.gate) k
    cross join lateral (
        \ir parts/next_of_key.sql
    ) next
    limit (select rest.n from rest)
)
\ir parts/left_behind.sql
\ir parts/claimed_of_keys.sql
\ir parts/turned.sql
\ir parts/visit_summary.sql
\ir parts/answer.sql
