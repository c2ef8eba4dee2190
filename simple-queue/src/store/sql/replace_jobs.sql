-- replace_jobs
-- Gives waiting jobs the payloads and options of new jobs with the same unique keys; of several new jobs with one key,
-- the last one's. Jobs that run, or ended meanwhile, are missing from the answer.
with new as materialized (
    select distinct on (new.unique_key collate "C") new.*, due.at, key.gate, key.cost
    \ir parts/new_jobs.sql
    join unnest(:gates::text[], :costs::integer[]) with ordinality as key (gate, cost, position) on key.position = new.position
    order by new.unique_key collate "C", new.position desc
), found as materialized (
    select job.id, new.unique_key
    from new
    cross join lateral (
        select j.id from simple_queue.jobs j where j.unique_key = new.unique_key limit 1
    ) job
), waiting as materialized (
    select j.id from simple_queue.jobs j
    where j.id = any (array(select found.id from found)) and j.worker_id is null
    order by j.id
    for update
), replaced as (
    update simple_queue.jobs j
    set queue = new.queue, kind = new.kind, priority = new.priority, job_data = new.job_data::jsonb,
        run_at = greatest(now(), new.at), scheduled_at = new.at,
        max_attempts = new.max_attempts, fingerprint = new.fingerprint,
        expires_at = greatest(now(), new.at) + new.expires_after,
        tags = case when new.tags is not null then array(select jsonb_array_elements_text(new.tags::jsonb)) end,
        version = new.version, retain = new.retain, timeout = new.timeout, metadata = new.metadata::jsonb,
        gate = new.gate, cost = new.cost,
        attempt = 0, reprocess_count = 0, crash_count = 0, errors = null,
        held = nullif(j.held, '00000000-0000-0000-0000-000000000000'), updated_at = now()
    from found
    join new on new.unique_key = found.unique_key
    -- By id and not by ctid: only so is the newest version found of a row that changed while this statement waited for
    -- its lock.
    where j.id = any (array(select waiting.id from waiting)) and j.id = found.id
    returning j.id, j.unique_key, j.queue, j.gate, j.run_at
), touched as (
    select distinct queue from replaced where :notify
), letters as (
    select distinct replaced.gate, case when replaced.run_at > now() then replaced.run_at end as due_at, 0 as released,
        null::uuid as job_id
    from replaced
    where replaced.gate is not null
)
\ir parts/turns.sql
\ir parts/notified.sql
select id, unique_key, exists (select from simple_queue.idle_workers) as sleep,
    (select count(*) from notified) as notified
from replaced
