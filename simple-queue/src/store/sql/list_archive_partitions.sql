-- list_archive_partitions
-- Partitions all of whose days are older than what is kept; also those a detach was begun for and not
-- ended, and those that were detached and not dropped. One that holds jobs which are kept longer than
-- others is not to be dropped.
select old.name, old.day, old.attached, old.detach_pending, old.attached and exists (
    select from simple_queue.archive a
    where a.keep_until > now()
        and a.finished_at >= old.day::timestamp at time zone 'utc'
        and a.finished_at < (old.day + 1)::timestamp at time zone 'utc'
) as holds_kept
from (
    select c.relname::text as name, to_date(right(c.relname, 8), 'YYYYMMDD') as day,
        i.inhrelid is not null as attached,
        coalesce(i.inhdetachpending, false) as detach_pending
    from pg_class c
    left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'simple_queue.archive'::regclass
    where c.relnamespace = (select relnamespace from pg_class where oid = 'simple_queue.archive'::regclass)
        and c.relkind = 'r'
        and c.relname ~ '^archive_\d{8}$'
) old
-- Yesterday's is never old: a transaction may still finish a job in it.
where old.day < least(
    ((now() - least($1::interval, interval '4000 years')) at time zone 'utc')::date,
    (now() at time zone 'utc')::date - 1
)
order by old.name collate "C"
