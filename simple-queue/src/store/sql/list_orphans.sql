-- list_orphans
-- Jobs in the names of these processes, except those that one of them still holds; with :ghosts also jobs in the names
-- of worker ids without a row. In the order in which rows are locked.
select j.id, j.worker_id
from simple_queue.jobs j
where (
        j.worker_id = any (:workers::uuid[])
        or :ghosts and j.worker_id is not null
            and not exists (select from simple_queue.workers w where w.id = j.worker_id)
    )
    and j.id <> all (:held::uuid[])
order by j.id
