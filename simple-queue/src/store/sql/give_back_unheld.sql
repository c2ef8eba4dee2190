-- give_back_unheld
-- Returns what a claim without an answer took in this process's name: every row with its id that it
-- does not know of. Scans the table; run only after such a claim, when no other is under way.
with unheld as (
    select j.id from simple_queue.jobs j
    where j.worker_id = $1 and j.id <> all ($2::uuid[])
    order by j.id
    for update skip locked
)
update simple_queue.jobs j
set worker_id = null, lease = j.lease + 1, attempt = j.attempt - 1,
    run_at = greatest(now(), j.run_at), updated_at = now()
from unheld
where j.id = unheld.id
