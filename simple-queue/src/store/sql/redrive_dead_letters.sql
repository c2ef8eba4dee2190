-- redrive_dead_letters
-- Puts these dead letters back to pending, as new jobs with their errors. The lease continues from its old value, so
-- that a late write of an earlier run cannot match it. A dead letter whose unique key a live job has, or another job
-- keeps, stays dead; the answer says which.
with dead as materialized (
    select d.id from simple_queue.dead_letters d
    where d.id = any (:ids::uuid[])
    order by d.id
    for update
), redriven as (
    insert into simple_queue.jobs (
        \ir parts/job_columns.sql
        id, lease, timeout, run_at, retain, errors, cost
    )
    select
        \ir parts/job_columns.sql
        d.id, d.lease, d.timeout,
        -- A job of a sequence goes back to its place in it.
        case when d.gate like 'order:%' then least(now(), coalesce(d.scheduled_at, d.created_at)) else now() end,
        -- An infinite retention has no length.
        greatest(least(d.keep_until, '9999-12-31'), '0001-01-01')
            - greatest(least(d.finished_at, '9999-12-31'), '0001-01-01'),
        d.errors, d.cost
    from simple_queue.dead_letters d
    where d.id = any (array(select dead.id from dead)) and not exists (
        select from simple_queue.kept_keys k
        where k.unique_key = d.unique_key collate "C" and k.job_id <> d.id and k.kept_until > now()
    )
    -- The order in which every insert takes its keys.
    order by d.unique_key collate "C"
    on conflict do nothing
    returning id, queue, gate
), forgotten as (
    delete from simple_queue.dead_letters d
    where d.id = any (array(select redriven.id from redriven))
), leaving_places as (
    select redriven.id from redriven where redriven.gate like 'order:%'
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
    union all
    select distinct redriven.gate, null::timestamptz, 0, null::uuid from redriven where redriven.gate is not null
)
\ir parts/turned.sql
, touched as (
    select distinct queue from redriven
)
\ir parts/notified.sql
select dead.id, redriven.id is not null as redriven, (select count(*) from notified) + (select count(*) from turned) as notified
from dead
left join redriven on redriven.id = dead.id
