-- next_within_rate
-- Locks the next jobs of a key that are due, as far as its tokens go. They are chosen without regard to locks: where
-- another transaction has locked one, its tokens are left, and in a sequence no later one overtakes it. A job that takes
-- more tokens than there can ever be takes all of them, and the others later.
--
-- needs: k (gate, n, tokens, burst); instant, delayed
-- gives: a query (id, cost)
select locked.id, chosen.cost
from (
    select first.id, first.cost,
        sum(first.cost) over (order by first.priority, first.run_at, first.id)
            - first.cost + least(first.cost, k.burst) as needed
    from (
        \ir due_of_key.sql
    ) first
) chosen
cross join lateral (
    select j.id from simple_queue.jobs j
    where j.id = chosen.id and j.worker_id is null
    limit 1
    for update skip locked
) locked
where chosen.needed <= k.tokens
