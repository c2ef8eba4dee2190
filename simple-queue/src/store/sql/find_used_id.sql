-- find_used_id
-- One of these ids under which a job is remembered that is over. No job ends before it was made, so days of the
-- archive from before :since are not looked at; a client's clock may be wrong by a day.
select ended.id
from unnest(:ids::uuid[]) as asked (id)
cross join lateral (
    select a.id from simple_queue.archive a
    where a.id = asked.id
        and a.finished_at >= coalesce(:since::timestamptz - interval '1 day', '-infinity')
        and a.finished_at < now() + interval '1 day'
    union all
    select d.id from simple_queue.dead_letters d where d.id = asked.id
) ended
limit 1
