-- look_at_indexes
-- The sizes of the indexes of `jobs`.
select c.relname::text as name, pg_relation_size(c.oid) as bytes
from pg_index i
join pg_class c on c.oid = i.indexrelid
where i.indrelid = to_regclass('simple_queue.jobs')
order by c.relname collate "C"
