-- register_worker
-- Inserts the row of a process, and reads which kinds it may not start.
with registered as (
    insert into simple_queue.workers (id, heartbeat_interval, pid, host, queues, release)
    values (:id, :heartbeat_interval, :pid, :host, :queues, :release)
    on conflict (id) do nothing
)
select
    \ir parts/paused_kinds.sql
