-- visit_sequences
-- Like visit_gates, for jobs that run one after another: a key's first job is claimed or none, so that no job overtakes
-- one whose row another transaction has locked.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/rule.sql
\ir parts/handed_in_order.sql
\ir parts/visited.sql
, picked as materialized (
    select k.gate, k.is_new, next.id
    -- In the order of the ring, so that `last` is the last key that had its turn.
    from (select room.* from room order by room.gate) k
    cross join lateral (
        \ir parts/first_of_key.sql
    ) next
    limit (select rest.n from rest)
)
\ir parts/left_behind.sql
\ir parts/claimed_of_keys.sql
\ir parts/turned.sql
\ir parts/visit_summary.sql
\ir parts/answer.sql
