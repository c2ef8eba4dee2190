-- read_waiting_ticks
-- The first waiting tick of each schedule whose earlier job has ended.
select s.name, s.waiting[1] as tick, s.last_at,
    s.misfire, s.overlap,
    \ir parts/schedule_rule.sql
from simple_queue.schedules s
where s.waiting is not null and s.paused_at is null and s.queue = any (:queues) and s.name <> all (:stuck)
    and not exists (select from simple_queue.jobs j where j.id = s.last_job)
order by s.name collate "C"
limit :limit
