-- finish_and_keep
with finished as (
    delete from job where id = any ($1) and lease = $2
    returning id, queue_id, priority, attempt, created_at, kind, payload
)
insert into finished_job (id, finished_at, queue_id, priority, attempt, created_at, kind, payload)
select id, now(), queue_id, priority, attempt, created_at, kind, payload from finished
