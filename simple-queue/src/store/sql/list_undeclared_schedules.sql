-- list_undeclared_schedules
-- Schedules that the code declared, and that no worker has declared for a day. One process a day gets them. Where no
-- worker has run for ten minutes, those that declare them may be about to start.
with undeclared as materialized (
    select s.name, s.declared_at from simple_queue.schedules s
    where s.declared_at < now() - interval '1 day' and s.paused_at is null
), due as (
    select u.task from simple_queue.upkeep u
    where u.task = 'schedules' and u.done_at not between now() - interval '1 day' and now()
        and exists (select from undeclared)
        and exists (select from simple_queue.workers w where w.started_at < now() - interval '10 min')
    for update skip locked
), claimed as (
    update simple_queue.upkeep u set done_at = now()
    from due
    where u.task = due.task
    returning u.task
)
select undeclared.name, undeclared.declared_at
from undeclared, claimed
order by undeclared.name collate "C"
