-- worker
-- The process's own row, locked. A claim needs it, and keeps it from being taken for dead meanwhile.
--
-- needs: :worker_id
-- gives: worker (id), no row where the process was taken for dead
, worker as materialized (
    select id from simple_queue.workers where id = :worker_id for key share
)
