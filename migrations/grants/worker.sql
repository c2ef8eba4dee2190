-- A worker: claims, runs and finishes jobs, enqueues those of schedules, returns the jobs of dead processes, deletes old history, enqueues. It owns
-- nothing. `psql -v role=NAME -f worker.sql`, as the owner of the schema.
grant usage on schema simple_queue to :"role";
grant select, insert, update, delete on simple_queue.jobs, simple_queue.archive, simple_queue.dead_letters, simple_queue.workers, simple_queue.idle_workers to :"role";
grant select, update, delete on simple_queue.kept_keys to :"role";
grant select, update, delete on simple_queue.audit to :"role";
grant select, update on simple_queue.upkeep to :"role";
grant select, insert, update on simple_queue.limits, simple_queue.schedules, simple_queue.kinds to :"role";
grant select, insert, update, delete on simple_queue.quotas, simple_queue.gates, simple_queue.turns, simple_queue.stats to :"role";
grant select, update on simple_queue.queues to :"role";
grant select, update, delete on simple_queue.paused_kinds to :"role";
grant select on simple_queue.limit_keys to :"role";
grant execute on function simple_queue.ensure_archive_partitions, simple_queue.drop_archive_day, simple_queue.enqueue, simple_queue.enqueue_many to :"role";
