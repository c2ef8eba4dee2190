-- find_used_id
-- One of these ids that belongs to a finished job in the history. A job does not end before it was made, so days of the
-- archive before :since are skipped; a client's clock may be wrong by a day.
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
