-- schedule_rule
-- When a schedule fires: as an operator has set it, or as it is declared.
--
-- needs: from schedules s
-- gives: cron, zone, every, in seconds
case when s.every_set is null then coalesce(s.cron_set, s.cron) end as cron,
case when s.cron_set is null then s.zone else coalesce(s.zone_set, 'UTC') end as zone,
extract(epoch from case when s.cron_set is null then coalesce(s.every_set, s.every) end)::double precision as every
