-- find_due_of_keys
-- The next due jobs of the keys that a visit would look at, :each of a key: one of them may be the cause if the visit
-- is refused.
with instant as materialized (
    select now() as t
), rest as materialized (
    select :permits::bigint as n
)
\ir parts/delayed.sql
\ir parts/ring.sql
select next.id
from (
    select k.gate, :each::integer as n
    from (
        select ring.gate from ring
        union
        select later.gate from later
    ) k
) k
cross join lateral (
    \ir parts/due_of_key.sql
) next
limit 1000
