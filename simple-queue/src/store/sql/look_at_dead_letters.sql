-- look_at_dead_letters
-- Among the newest dead letters, those of the last day: how many of each kind cannot be read by the code that runs it.
select newest.kind, count(*) as jobs, min(newest.reason) as reason
from (
    select d.kind, d.status, left(d.reason, 200) as reason from simple_queue.dead_letters d
    where d.finished_at > now() - interval '1 day'
    order by d.finished_at desc, d.id desc limit 5000
) newest
where newest.status = 'unprocessable'
group by newest.kind
order by count(*) desc, newest.kind collate "C"
limit 5
