-- read_lock_holders
-- The sessions that hold locks on the tables of the schema, the oldest transactions first. The age of another role's
-- transaction is visible only with the right to see it.
select case
        when l.pid is null then 'a prepared transaction, see pg_prepared_xacts'
        else 'pid ' || l.pid::text || ', application_name "' || coalesce(a.application_name, '')
            || '", role "' || coalesce(a.usename::text, '') || '"'
            || coalesce(', in a transaction for ' || (date_trunc('second', now() - a.xact_start))::text, '')
    end as holder
from (
    select distinct l.pid from pg_locks l
    where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid()
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and l.relation in (
            select c.oid from pg_class c
            where c.relnamespace = to_regnamespace(split_part('simple_queue.', '.', 1))
        )
) l
left join pg_stat_activity a on a.pid = l.pid
order by a.xact_start nulls last
limit 3
