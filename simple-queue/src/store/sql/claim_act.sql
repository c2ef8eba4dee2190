-- claim_act
-- Locks an act on many jobs for its next bite. Empty if it has ended, or another process has it.
select
    \ir parts/act_columns.sql
from simple_queue.audit a
where a.id = :id and a.state = 'running'
for update skip locked
