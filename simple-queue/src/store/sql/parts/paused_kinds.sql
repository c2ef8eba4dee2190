-- paused_kinds
-- The kinds that are paused in the queues of a process.
--
-- needs: :queues
-- gives: two columns of a select list: arrays of queues, and of kinds
array(
    select p.queue from simple_queue.paused_kinds p where p.queue = any (:queues) order by p.queue collate "C", p.kind collate "C"
) as paused_queues,
array(
    select p.kind from simple_queue.paused_kinds p where p.queue = any (:queues) order by p.queue collate "C", p.kind collate "C"
) as paused_kinds
