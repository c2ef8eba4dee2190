-- look_at_connections
-- Connections in use, of all roles and databases, those that roles other than superusers may have, and the processes.
select (select sum(d.numbackends) from pg_stat_database d)::bigint as used,
    (
        select sum(case when s.name = 'max_connections' then 1 else -1 end * s.setting::bigint) from pg_settings s
        where s.name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
    )::bigint as there_are,
    (select count(*) from simple_queue.workers) as workers
