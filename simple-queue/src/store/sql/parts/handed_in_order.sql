-- handed_in_order
-- Like handed, where the jobs of a key run one after another.
--
-- needs: worker, rule, freed, instant, delayed; :hands_over, :permits
-- gives: handed (gate, id)
, handed as materialized (
    select k.gate, next.id
    from rule
    cross join freed k
    cross join lateral (
        \ir first_of_key.sql
    ) next
    where :hands_over and k.keeps_its_place
    limit :permits
)
