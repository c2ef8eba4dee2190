-- edit_job
-- Gives a waiting job, which this transaction has locked, other contents. What is null stays, except the keys and the
-- cost, which are all given. Its place among the jobs of a key is another one, so its due time is not in the past.
with changed as (
    update simple_queue.jobs j
    set job_data = coalesce(:payload::text::jsonb, j.job_data), unique_key = :unique_key::text,
        fingerprint = :fingerprint::text, gate = :gate::text,
        cost = :cost::integer, max_attempts = coalesce(:max_attempts::integer, j.max_attempts), tags = coalesce(:tags::text[], j.tags),
        run_at = case when j.gate is distinct from :gate::text then greatest(now(), j.run_at) else j.run_at end,
        updated_at = now()
    where j.id = :id and j.worker_id is null
    returning j.id, j.queue, j.gate, j.run_at
), letters as (
    select changed.gate, case when changed.run_at > now() then changed.run_at end as due_at, 0 as released,
        null::uuid as job_id
    from changed
    where changed.gate is not null
)
\ir parts/turned.sql
select changed.id, (select count(*) from turned) as notified from changed
