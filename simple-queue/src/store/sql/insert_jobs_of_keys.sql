-- insert_jobs_of_keys
-- Like insert_jobs, for jobs under a limit that holds for each key: each gate gets a turn for each time at which jobs of
-- it are due.
with inserted as (
    insert into simple_queue.jobs (
        id, lease, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, unique_key, fingerprint,
        expires_at, tags, version, retain, timeout, metadata, gate, cost
    )
    select new.id, :first_lease, new.queue, new.kind, new.priority, new.job_data::jsonb,
        greatest(now(), due.at), due.at,
        new.max_attempts, new.unique_key, new.fingerprint,
        greatest(now(), due.at) + new.expires_after,
        case when new.tags is not null then array(select jsonb_array_elements_text(new.tags::jsonb)) end,
        new.version, new.retain, new.timeout, new.metadata::jsonb, key.gate, key.cost
    \ir parts/new_jobs.sql
    join unnest(:gates::text[], :costs::integer[]) with ordinality as key (gate, cost, position) on key.position = new.position
    on conflict do nothing
    returning id, queue, gate, run_at
), touched as (
    select distinct queue from inserted where :notify
), letters as (
    select distinct inserted.gate, case when inserted.run_at > now() then inserted.run_at end as due_at, 0 as released,
        null::uuid as job_id
    from inserted
    where inserted.gate is not null
)
\ir parts/turns.sql
\ir parts/notified.sql
select id, exists (select from simple_queue.idle_workers) as sleep,
    (select count(*) from notified) as notified
from inserted
