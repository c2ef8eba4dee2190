-- delete_idle_gates
-- Deletes the gates of keys without jobs whose tokens are all there again, so that nothing is to be remembered. Visits
-- delete those that they come by.
delete from simple_queue.gates g
where g.gate = any (array(
        select idle.gate from simple_queue.gates idle
        where idle.running = 0 and idle.tat + make_interval(secs => coalesce(idle.start_within, 0)) < now()
        order by idle.gate
        limit 10000
        for update skip locked
    )) and g.running = 0
