-- look_at_partitions
-- The days of the archive around the present one: which are missing, half detached or in the way. The first row, the
-- oldest day, is there if any is.
with today as (
    select (now() at time zone 'utc')::date as day
), days as (
    select c.relname::text as name, to_date(substring(c.relname::text, 9), 'YYYYMMDD') as day, i.inhdetachpending as is_pending
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = to_regclass('simple_queue.archive') and c.relname::text ~ '^archive_[0-9]{8}$'
)
(
    select 'oldest' as what, days.name, days.day - today.day as from_today from days, today order by days.day limit 1
)
union all
select 'missing', 'archive_' || to_char((today.day + n)::timestamp, 'YYYYMMDD'), n
from today, generate_series(0, 7) n
where not exists (select from days where days.day = today.day + n)
union all
select 'half_detached', days.name, days.day - today.day from days, today where days.is_pending
union all
select 'in_the_way', c.relname::text, to_date(substring(c.relname::text, 9), 'YYYYMMDD') - today.day
from today, pg_class c
where c.relnamespace = (
        select a.relnamespace from pg_class a where a.oid = to_regclass('simple_queue.archive')
    )
    and c.relname::text ~ '^archive_[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$' and c.relkind in ('r', 'p')
    and not exists (select from pg_inherits i where i.inhrelid = c.oid)
    -- No day is made that is over.
    and to_date(substring(c.relname::text, 9), 'YYYYMMDD') >= today.day
