-- redrive_dead_letters
-- Puts these dead letters back to pending, as new jobs that remember their errors. The lease goes on from where it
-- was, so that nothing an earlier run still writes can meet them. One whose unique key a live job has stays dead;
-- the answer says which. With `:repeated` an earlier call may have been carried out, and what is live already counts.
with dead as materialized (
    select d.id from simple_queue.dead_letters d
    where d.id = any (:ids::uuid[])
    order by d.id
    for update
), redriven as (
    insert into simple_queue.jobs (
        id, lease, scheduled_at, created_at, max_attempts, version, priority, queue, kind, job_data,
        timeout, retain, unique_key, fingerprint, tags, errors, metadata
    )
    select d.id, d.lease, d.scheduled_at, d.created_at, d.max_attempts, d.version, d.priority, d.queue,
        d.kind, d.job_data, d.timeout, d.keep_until - d.finished_at, d.unique_key, d.fingerprint, d.tags,
        d.errors, d.metadata
    from simple_queue.dead_letters d
    where d.id = any (array(select dead.id from dead))
    -- As every insert takes its keys.
    order by d.unique_key collate "C"
    on conflict do nothing
    returning id, queue
), forgotten as (
    delete from simple_queue.dead_letters d
    where d.id = any (array(select redriven.id from redriven))
), notified as (
    select pg_notify(:channel, 'queue ' || touched.queue)
    from (select distinct queue from redriven) touched
    where exists (select from simple_queue.idle_workers)
)
select dead.id, redriven.id is not null as redriven, (select count(*) from notified) as notified
from dead
left join redriven on redriven.id = dead.id
union all
select j.id, true, 0
from simple_queue.jobs j
where :repeated and j.id = any (:ids) and j.id <> all (array(select dead.id from dead))
