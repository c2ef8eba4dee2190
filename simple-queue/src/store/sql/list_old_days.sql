-- list_old_days
-- Days of the archive that are older than the retention, and whether they contain jobs with a longer retention of their
-- own.
select old.day, exists (
    select from simple_queue.archive a
    where a.keep_until > now()
        and a.finished_at >= old.day::timestamp at time zone 'utc'
        and a.finished_at < (old.day + 1)::timestamp at time zone 'utc'
) as holds_kept
from (
    select to_date(substring(c.relname::text, 9), 'YYYYMMDD') as day
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'simple_queue.archive'::regclass and c.relname::text ~ '^archive_[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$'
) old
-- Yesterday is never old: a transaction may still finish a job in it.
where old.day < least(
    ((now() - least(:keep::interval, interval '4000 years')) at time zone 'utc')::date,
    (now() at time zone 'utc')::date - 1
)
order by old.day
