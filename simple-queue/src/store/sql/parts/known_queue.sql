-- known_queue
-- What is known of a queue that is paused.
--
-- needs: paused (name)
-- gives: columns of a select list, more of which follow
exists (select from simple_queue.workers w where paused.name = any(w.queues)) as is_served,
exists (
    select from simple_queue.jobs j where j.queue = paused.name and j.gate is null and j.held is null
) as has_jobs,
