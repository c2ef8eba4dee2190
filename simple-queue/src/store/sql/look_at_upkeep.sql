-- look_at_upkeep
-- When the tasks that one process does for all were last done, and statistics written; how many processes there are, and
-- since when.
select (select extract(epoch from now() - max(s.at))::double precision from simple_queue.stats s where s.width = 60) as counted,
    (select extract(epoch from now() - u.done_at)::double precision from simple_queue.upkeep u where u.task = 'depth') as looked,
    (select extract(epoch from now() - u.done_at)::double precision from simple_queue.upkeep u where u.task = 'orphans') as tidied,
    (select count(*) from simple_queue.workers) as workers,
    (select extract(epoch from now() - min(w.started_at))::double precision from simple_queue.workers w) as working
