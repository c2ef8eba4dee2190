-- copy_archived_job
-- Enqueues a completed job once more, under a new id and due now; the archive stays as it is. If its unique key is
-- taken, the answer is empty. It was made after :since.
with source as materialized (
    select a.id, a.queue, a.kind, a.priority, a.job_data, a.max_attempts, a.unique_key, a.fingerprint, a.tags, a.version,
        a.metadata, a.gate
    from simple_queue.archive a
    where a.id = :id and a.finished_at >= coalesce(:since::timestamptz - interval '1 day', '-infinity')
    limit 1
), inserted as (
    insert into simple_queue.jobs (
        id, queue, kind, priority, job_data, max_attempts, unique_key, fingerprint, tags, version, metadata, gate
    )
    select :new_id::uuid, s.queue, s.kind, s.priority, s.job_data, s.max_attempts, s.unique_key, s.fingerprint, s.tags,
        s.version, nullif(case when jsonb_typeof(s.metadata) = 'object' then s.metadata - '@schedule' end, '{}'), s.gate
    from source s
    where not exists (
        select from simple_queue.kept_keys k
        where k.unique_key = s.unique_key collate "C" and k.job_id <> s.id and k.kept_until > now()
    )
    on conflict do nothing
    returning id, queue, gate
), letters as (
    select inserted.gate, null::timestamptz as due_at, 0 as released, null::uuid as job_id from inserted
    where inserted.gate is not null
)
\ir parts/turned.sql
, touched as (
    select queue from inserted
)
\ir parts/notified.sql
select source.unique_key, inserted.id is not null as is_new,
    (select count(*) from notified) + (select count(*) from turned) as notified
from source
left join inserted on true
