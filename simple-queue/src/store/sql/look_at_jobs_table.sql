-- look_at_jobs_table
-- What the server counts of the table `jobs`, and how large it is beside what it contains.
select t.n_live_tup as live, t.n_dead_tup as dead, t.n_tup_upd as updates, t.n_tup_hot_upd as hot_updates,
    extract(epoch from now() - greatest(t.last_vacuum, t.last_autovacuum))::double precision as vacuumed,
    pg_relation_size(t.relid) as bytes,
    -- 28 bytes are the head of a row and its pointer. Without the right to read a column its width is unknown.
    (select 28 + coalesce(sum(s.avg_width), 0) from pg_stats s
        where s.schemaname = t.schemaname and s.tablename = t.relname)::bigint as width
from pg_stat_all_tables t
where t.relid = to_regclass('simple_queue.jobs')
