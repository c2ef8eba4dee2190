-- list_acts
-- The acts before one of them, the last first.
select
    \ir parts/act_columns.sql
from simple_queue.audit a
where a.id < coalesce(:before::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
order by a.id desc
limit :limit
