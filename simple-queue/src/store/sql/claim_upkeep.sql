-- claim_upkeep
-- Takes a task that one process does for all, if it was last done long enough ago. The row stays locked to the end of
-- the transaction, so no other process can take it meanwhile.
with due as (
    select u.task from simple_queue.upkeep u
    where u.task = :task and u.done_at not between now() - :pause::interval and now()
    for update skip locked
)
update simple_queue.upkeep u set done_at = now()
from due
where u.task = due.task
returning u.task
