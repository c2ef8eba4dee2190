-- worker
-- The process's own row, locked. A claim needs it, and the lock keeps the process from being declared dead meanwhile.
--
-- needs: :worker_id
-- gives: worker (id), no row if the process was declared dead
, worker as materialized (
    select id from simple_queue.workers where id = :worker_id for key share
)
