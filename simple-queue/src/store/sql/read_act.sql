-- read_act
select
    \ir parts/act_columns.sql
from simple_queue.audit a
where a.id = :id
