-- tick_jobs
-- Inserts the jobs of ticks, with the values of their schedules. A tick whose key a live job has gets none.
--
-- needs: ticks, the columns of the schedule with those of the tick (id, at, since)
-- gives: inserted (id, queue, at, name)
, inserted as (
    insert into simple_queue.jobs (
        id, queue, kind, priority, job_data, run_at, scheduled_at, max_attempts, unique_key, fingerprint,
        expires_at, tags, version, retain, timeout, metadata, gate, cost
    )
    select t.id, t.queue, t.kind, t.priority, t.job_data, now(), t.at, t.max_attempts, t.unique_key, t.fingerprint,
        now() + t.expires_after, t.tags, t.version, t.retain, t.timeout,
        coalesce(t.metadata, '{}') || jsonb_build_object(
            '@schedule', jsonb_build_object('name', t.name, 'tick', t.at, 'since', t.since)
        ),
        t.gate, t.cost
    from ticks t
    order by t.unique_key collate "C", t.at, t.id
    on conflict do nothing
    returning id, queue, gate, scheduled_at as at, (metadata #>> '{@schedule, name}') collate "C" as name
), letters as (
    select distinct inserted.gate, null::timestamptz as due_at, 0 as released, null::uuid as job_id
    from inserted
    where inserted.gate is not null
)
\ir turns.sql
