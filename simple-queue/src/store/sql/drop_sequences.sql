-- drop_sequences
-- Cancels jobs that wait behind one that has failed for good, in the sequences of a limit that are dropped then: those
-- that were enqueued before the failure, a thousand at a time. A sequence of which none is left goes on with later ones.
--
-- Until then the place of the failed job is taken, so that nothing of its key starts. What another transaction has
-- locked is left to the next time.
with halted as materialized (
    select t.gate, t.job_id as id, coalesce(d.finished_at, 'infinity') as failed_at
    from simple_queue.turns t
    left join simple_queue.dead_letters d on d.id = t.job_id
    where t.rule = :rule and t.due_at = 'infinity' and t.job_id is not null
        and exists (select from simple_queue.limits l where l.name = :rule and l.after_failure = 'drop')
    order by t.gate
    limit 1000
), target as materialized (
    select job.id, halted.gate, halted.id as failed_id
    from halted
    cross join lateral (
        select j.id from simple_queue.jobs j
        where j.gate = halted.gate and j.held is null and j.worker_id is null and j.created_at <= halted.failed_at
        order by j.priority, j.run_at, j.id
        limit 1000
    ) job
    limit 1000
), locked as materialized (
    select j.id from simple_queue.jobs j
    where j.id = any (array(select target.id from target)) and j.worker_id is null
    order by j.id
    for update skip locked
), finished as (
    delete from simple_queue.jobs j
    where j.id = any (array(select locked.id from locked)) and j.worker_id is null
    returning j.*
), dropped as (
    \ir parts/into_dead_letters.sql
    select
        \ir parts/job_columns.sql
        finished.id, lease, worker_id, now(), 'cancelled',
        format('job %s, which came before it in its sequence, has failed', target.failed_id),
        attempt, reprocess_count, crash_count, timeout,
        \ir parts/kept_until.sql
        errors, cost
    from finished
    join (select target.id as target_id, target.failed_id from target) target on target.target_id = finished.id
    \ir parts/overwrite_dead_letter.sql
    returning id
), leaving_places as (
    -- Where no job was found, and the search had come so far.
    select halted.id from halted
    where (select count(*) from target) < 1000 and halted.gate <> all (array(select target.gate from target))
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
)
\ir parts/turned.sql
select (select count(*) from dropped) as dropped, exists (select from target) as is_left,
    (select count(*) from turned) as notified
