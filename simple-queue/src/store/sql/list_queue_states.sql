-- list_queue_states
-- Each queue, as it was when it was last looked at.
select known.name, d.at as counted_at, d.waiting, d.later, d.oldest_ms,
    (select count(*) from simple_queue.workers w where known.name = any (w.queues)) as workers
from unnest(:names::text[]) as known (name)
left join lateral (
    select s.at, s.waiting, s.later, s.oldest_ms from simple_queue.stats s
    where s.width = 60 and s.at >= now() - interval '10 min' and s.queue = known.name and s.kind = ''
        and s.waiting is not null
    order by s.at desc limit 1
) d on true
order by known.name collate "C"
