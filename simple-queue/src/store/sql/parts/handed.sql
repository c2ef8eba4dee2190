-- handed
-- The next jobs of keys of which runs were completed: each takes over a place, and the row of the gate is not locked.
--
-- needs: worker, rule, freed, instant, delayed; :hands_over, :permits
-- gives: handed (gate, id)
, handed as materialized (
    select k.gate, next.id
    from rule
    cross join freed k
    cross join lateral (
        \ir next_of_key.sql
    ) next
    where :hands_over and k.keeps_its_place
    limit :permits
)
