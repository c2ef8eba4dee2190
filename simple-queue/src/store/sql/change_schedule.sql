-- change_schedule
-- Resumes a schedule, or sets another rule, if it is as it was read. The next tick was computed from the present time.
with changed as (
    update simple_queue.schedules s
    set next_at = :next_at, cron_set = :cron_set, zone_set = :zone_set, every_set = :every_set,
        paused_at = case when :resume then null else s.paused_at end, updated_at = now()
    where s.name = :name and s.next_at = :seen_next_at and s.updated_at = :seen_updated_at
    returning s.name
)
select changed.name, pg_notify(:channel, 'schedule ' || changed.name) as notified from changed
