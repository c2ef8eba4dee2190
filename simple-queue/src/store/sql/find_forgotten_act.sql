-- find_forgotten_act
-- An act on many jobs that no process has gone on with for this time.
select a.id from simple_queue.audit a
where a.state = 'running' and a.updated_at < now() - :after::interval
order by a.updated_at
limit 1
