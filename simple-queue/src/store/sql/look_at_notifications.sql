-- look_at_notifications
-- How full the queue of notifications is, and the session that has been idle in a transaction for longest: a listener
-- in a transaction keeps notifications.
select pg_notification_queue_usage() as used, idle.pid, idle.role, extract(epoch from idle.since)::double precision as seconds
from (select) one
left join lateral (
    select a.pid, a.usename::text || coalesce(' (' || nullif(a.application_name, '') || ')', '') as role,
        now() - a.xact_start as since
    from pg_stat_activity a
    where a.xact_start is not null and a.state like 'idle in transaction%' and a.datname = current_database()
    order by a.xact_start limit 1
) idle on true
