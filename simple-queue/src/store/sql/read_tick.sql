-- read_tick
-- The tick that a running job was enqueued for, and that of the job before.
select (metadata #>> '{@schedule, tick}')::timestamptz as tick,
    (metadata #>> '{@schedule, since}')::timestamptz as since
from simple_queue.jobs
where id = :id and lease = :lease and metadata ? '@schedule'
