-- count_kinds
-- How many jobs of each kind there are, live and ended, for tests.
select known.kind, known.status, count(*) as jobs
from (
    select j.kind, null::text as status from simple_queue.jobs j
    union all
    select a.kind, 'completed' from simple_queue.archive a
    union all
    select d.kind, d.status from simple_queue.dead_letters d
) known
group by known.kind, known.status
order by count(*) desc, known.kind collate "C", known.status collate "C"
