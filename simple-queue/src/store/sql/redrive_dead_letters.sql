-- redrive_dead_letters
-- Puts dead letters back to pending, in the order of their ids and from the one after $5 on, as new jobs
-- that remember their errors. The lease goes on from where it was, so that nothing an earlier run still
-- writes can meet them. One whose unique key a live job has stays dead; the answer says which.
with dead as materialized (
    select d.id from simple_queue.dead_letters d
    where ($1::uuid is null or d.id = $1)
        and ($2::text is null or d.queue = $2)
        and ($3::text is null or d.kind = $3)
        and ($4::text is null or d.status = $4)
        and ($5::uuid is null or d.id > $5)
    order by d.id
    limit $6
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
    order by d.unique_key
    on conflict do nothing
    returning id, queue
), forgotten as (
    delete from simple_queue.dead_letters d
    where d.id = any (array(select redriven.id from redriven))
), notified as (
    select pg_notify($7, 'queue ' || touched.queue)
    from (select distinct queue from redriven) touched
    where exists (select from simple_queue.idle_workers)
)
select dead.id, redriven.id is not null as redriven, (select count(*) from notified) as notified
from dead
left join redriven on redriven.id = dead.id
order by dead.id
