-- list_kinds
-- The kinds that workers have declared; one of them, if it is named.
select k.kind, k.queue, k.version, k.arguments, k.options, k.declared_in, k.declared_at, k.updated_at,
    (select count(*) from simple_queue.workers w where k.queue = any (w.queues)) as workers
from simple_queue.kinds k
where :kind::text is null or k.kind = :kind
order by k.kind collate "C"
limit 10000
