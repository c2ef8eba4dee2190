-- list_archive_partitions
-- Partitions all of whose days are older than what is kept; also those a detach was begun for and not
-- ended, and those that were detached and not dropped.
select c.relname::text as name,
    i.inhrelid is not null as attached,
    coalesce(i.inhdetachpending, false) as detach_pending
from pg_class c
left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'simple_queue.archive'::regclass
where c.relnamespace = (select relnamespace from pg_class where oid = 'simple_queue.archive'::regclass)
    and c.relkind = 'r'
    and c.relname ~ '^archive_\d{8}$'
    -- Yesterday's is never old: a transaction may still finish a job in it.
    and to_date(right(c.relname, 8), 'YYYYMMDD') < least(
        ((now() - least($1::interval, interval '4000 years')) at time zone 'utc')::date,
        (now() at time zone 'utc')::date - 1
    )
order by c.relname
