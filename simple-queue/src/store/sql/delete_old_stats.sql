-- delete_old_stats
-- Deletes rows that are older than those of their width are kept: minutes for a day, ten minutes for two weeks, hours
-- for 400 days.
with old as (
    select s.ctid from simple_queue.stats s
    where (s.width = 60 and s.at < now() - interval '1 day')
        or (s.width = 600 and s.at < now() - interval '14 days')
        or (s.width = 3600 and s.at < now() - interval '400 days')
    limit :limit
    for update skip locked
)
delete from simple_queue.stats s where s.ctid = any (array(select old.ctid from old))
