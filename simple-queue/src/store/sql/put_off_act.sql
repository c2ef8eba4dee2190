-- put_off_act
-- Lets an act that could not go on wait like one that has just gone on, so that it does not keep the others from going
-- on, and says why.
update simple_queue.audit a set updated_at = now(), note = :note where a.id = :id and a.state = 'running'
