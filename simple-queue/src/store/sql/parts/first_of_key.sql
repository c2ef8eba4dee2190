-- first_of_key
-- Locks the first job of a key, if it is due. It is chosen without regard to locks: where another transaction has locked
-- it, the key has no job to run, and no later one overtakes it. The locked row is compared once more: it may have been
-- replaced since, or put off. A sequence has one priority, so its jobs are read in the order in which they are due.
--
-- needs: k (gate, n), where n is 0 or 1; instant
-- gives: a query (id)
select locked.id
from (
    select j.id from simple_queue.jobs j
    where j.gate = k.gate and j.held is null and j.priority = 0 and j.run_at <= (select instant.t from instant)
        and j.worker_id is null
    order by j.run_at, j.id
    limit k.n
) first
cross join lateral (
    select j.id from simple_queue.jobs j
    where j.id = first.id and j.gate = k.gate and j.held is null and j.run_at <= (select instant.t from instant)
        and j.worker_id is null
    limit 1
    for update skip locked
) locked
