-- look_at_ends
-- How many runs ended, and how many of them for good: in the last hour, and in the week before.
select coalesce(sum(s.runs) filter (where s.width = 60), 0)::bigint as runs,
    coalesce(sum(s.dead) filter (where s.width = 60), 0)::bigint as dead,
    coalesce(sum(s.runs) filter (where s.width = 3600), 0)::bigint as runs_before,
    coalesce(sum(s.dead) filter (where s.width = 3600), 0)::bigint as dead_before
from simple_queue.stats s
where s.width = 60 and s.at >= now() - interval '1 hour'
    or s.width = 3600 and s.at >= now() - interval '7 days' and s.at < now() - interval '1 hour'
