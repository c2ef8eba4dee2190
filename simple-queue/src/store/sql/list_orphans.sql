-- list_orphans
-- What is in the names of these processes, less what one of them still holds; with :ghosts, also what is in the name of
-- a process that is in no row. In the order in which rows are locked.
select j.id, j.worker_id
from simple_queue.jobs j
where (
        j.worker_id = any (:workers::uuid[])
        or :ghosts and j.worker_id is not null
            and not exists (select from simple_queue.workers w where w.id = j.worker_id)
    )
    and j.id <> all (:held::uuid[])
order by j.id
