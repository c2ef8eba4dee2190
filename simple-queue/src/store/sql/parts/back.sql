-- back
-- The places of completed runs that no next job of their key has taken over.
--
-- needs: freed; handed (gate, id)
-- gives: back (gate, n)
, back as materialized (
    select freed.gate, freed.n - count(handed.id)::integer as n
    from freed
    left join handed on handed.gate = freed.gate
    group by freed.gate, freed.n
    having freed.n > count(handed.id)
)
