-- An operator: finds jobs and acts on them, which the audit records, frees their keys, pauses and resumes queues, changes schedules,
-- enqueues; reads everything. `psql -v role=NAME -f operator.sql`, as the owner of the schema.
grant usage on schema simple_queue to :"role";
grant select, insert, update, delete on simple_queue.jobs, simple_queue.dead_letters, simple_queue.paused_kinds to :"role";
grant select, insert, update, delete on simple_queue.turns, simple_queue.limit_keys, simple_queue.schedules to :"role";
grant select, delete on simple_queue.kept_keys to :"role";
grant select, insert, update on simple_queue.queues, simple_queue.limits, simple_queue.gates, simple_queue.audit to :"role";
grant select on simple_queue.archive, simple_queue.kinds, simple_queue.migrations, simple_queue.upkeep, simple_queue.workers, simple_queue.idle_workers, simple_queue.quotas, simple_queue.stats, simple_queue.all_jobs, simple_queue.jobs_overview to :"role";
grant execute on function simple_queue.enqueue, simple_queue.enqueue_many to :"role";
