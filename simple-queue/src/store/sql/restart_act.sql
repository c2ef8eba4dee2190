-- restart_act
-- Lets an act on many jobs that was stopped go on where it was. Returns whether it was stopped.
update simple_queue.audit a set state = 'running', updated_at = now(), ended_at = null
where a.id = :id and a.state = 'stopped'
returning a.id
