-- stop_act
-- Ends an act on many jobs after its present bite. Returns whether it was running.
update simple_queue.audit a set state = 'stopped', updated_at = now(), ended_at = now()
where a.id = :id and a.state = 'running'
returning a.id
