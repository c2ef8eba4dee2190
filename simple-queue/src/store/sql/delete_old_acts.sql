-- delete_old_acts
-- Forgets what was done long ago.
delete from simple_queue.audit a
where a.id = any (array(
    select o.id from simple_queue.audit o
    where o.created_at < now() - :keep::interval and o.state <> 'running'
    order by o.created_at
    limit :limit
    for update skip locked
))
