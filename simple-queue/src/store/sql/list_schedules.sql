-- list_schedules
-- The schedules, or the one of this name, and the present time.
select s.name, s.cron, s.zone, extract(epoch from s.every)::double precision as every,
    s.cron_set, s.zone_set, extract(epoch from s.every_set)::double precision as every_set, s.misfire, s.overlap, s.queue, s.kind,
    s.next_at, s.last_at, s.last_job, s.paused_at, s.declared_at, s.updated_at,
    coalesce(cardinality(s.waiting), 0) as waiting, statement_timestamp() as now
from simple_queue.schedules s
where :name::text is null or s.name = :name
order by s.name collate "C"
