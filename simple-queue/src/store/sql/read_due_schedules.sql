-- read_due_schedules
-- Schedules that are due, those first that have been due for longest. A process looks after those of the queues that it
-- serves, and after others only when they are overdue.
--
-- It always has a row, with the present time, how long it is until the next of its schedules is due, and whether ticks
-- of its schedules wait for earlier jobs.
select clock.now, clock.wait, clock.has_waiting,
    due.name, due.cron, due.zone, due.every, due.misfire, due.overlap, due.next_at, due.last_at, due.has_own_key
from (
    select now() as now,
        (
            select extract(epoch from min(s.next_at) - now())::double precision
            from simple_queue.schedules s
            where s.paused_at is null and s.next_at > now() and s.queue = any (:queues)
        ) as wait,
        exists (
            select from simple_queue.schedules s
            where s.waiting is not null and s.paused_at is null and s.queue = any (:queues)
        ) as has_waiting
) clock
left join lateral (
    select s.name, s.misfire, s.overlap, s.next_at, s.last_at,
        s.unique_key is not null and s.overlap <> 'skip' as has_own_key,
        \ir parts/schedule_rule.sql
    from simple_queue.schedules s
    where s.paused_at is null and s.next_at <= now() and s.name <> all (:stuck)
        and (s.queue = any (:queues) or s.next_at < now() - :patience::interval)
    order by s.next_at, s.name collate "C"
    limit :limit
) due on true
order by due.next_at, due.name collate "C"
