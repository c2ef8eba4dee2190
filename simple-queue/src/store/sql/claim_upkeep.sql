-- claim_upkeep
-- The right to do what one process does for all, where it was last done long enough ago; to the end of the
-- transaction. While another process has it, it is not to be had.
with due as (
    select u.task from simple_queue.upkeep u
    where u.task = :task and u.done_at not between now() - :pause::interval and now()
    for update skip locked
)
update simple_queue.upkeep u set done_at = now()
from due
where u.task = due.task
returning u.task
