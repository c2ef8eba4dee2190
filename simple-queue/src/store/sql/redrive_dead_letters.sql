-- redrive_dead_letters
-- Puts these dead letters back to pending, as new jobs that remember their errors. The lease goes on from where it
-- was, so that nothing an earlier run still writes can meet them. One whose unique key a live job has stays dead;
-- the answer says which. With :repeated an earlier call may have been carried out, and what is live already counts.
with dead as materialized (
    select d.id from simple_queue.dead_letters d
    where d.id = any (:ids::uuid[])
    order by d.id
    for update
), redriven as (
    insert into simple_queue.jobs (
        \ir parts/job_columns.sql
        id, lease, timeout, retain, errors
    )
    select
        \ir parts/job_columns.sql
        d.id, d.lease, d.timeout,
        -- What is kept without an end has no length.
        greatest(least(d.keep_until, '9999-12-31'), '0001-01-01')
            - greatest(least(d.finished_at, '9999-12-31'), '0001-01-01'),
        d.errors
    from simple_queue.dead_letters d
    where d.id = any (array(select dead.id from dead))
    -- As every insert takes its keys.
    order by d.unique_key collate "C"
    on conflict do nothing
    returning id, queue
), forgotten as (
    delete from simple_queue.dead_letters d
    where d.id = any (array(select redriven.id from redriven))
), touched as (
    select distinct queue from redriven
)
\ir parts/notified.sql
select dead.id, redriven.id is not null as redriven, (select count(*) from notified) as notified
from dead
left join redriven on redriven.id = dead.id
union all
select j.id, true, 0
from simple_queue.jobs j
where :repeated and j.id = any (:ids) and j.id <> all (array(select dead.id from dead))
