-- A viewer: sees which jobs exist, without their payloads. The rights are on columns, and the view uses the reader's
-- rights, so row-level security holds for a viewer too. `psql -v role=NAME -f viewer.sql`, as the owner of the schema.
grant usage on schema simple_queue to :"role";
grant select (id, lease, queue, kind, priority, attempt, max_attempts, crash_count, worker_id, run_at, scheduled_at, created_at, updated_at) on simple_queue.jobs to :"role";
grant select (id, lease, queue, kind, priority, attempt, max_attempts, crash_count, worker_id, scheduled_at, created_at, finished_at) on simple_queue.archive to :"role";
grant select (id, lease, queue, kind, status, priority, attempt, max_attempts, crash_count, worker_id, scheduled_at, created_at, finished_at) on simple_queue.dead_letters to :"role";
grant select (name, queue, kind, priority, cron, cron_set, zone, zone_set, every, every_set, misfire, overlap, next_at, last_at, last_job, waiting, paused_at, declared_at, created_at, updated_at) on simple_queue.schedules to :"role";
grant select on simple_queue.jobs_overview, simple_queue.queues, simple_queue.paused_kinds, simple_queue.kinds, simple_queue.limits, simple_queue.quotas, simple_queue.workers, simple_queue.stats to :"role";
