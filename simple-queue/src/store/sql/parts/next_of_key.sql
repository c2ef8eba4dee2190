-- next_of_key
-- Locks the next jobs of a key that are due, except those whose rows are locked.
--
-- needs: k (gate, n); instant
-- gives: a query (id)
select j.id from simple_queue.jobs j
where j.gate = k.gate and j.held is null and j.run_at <= (select instant.t from instant) and j.worker_id is null
order by j.priority, j.run_at, j.id
limit k.n
for update skip locked
