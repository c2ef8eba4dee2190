-- set_aside_job
-- Moves a job that the database refuses to claim or to return to the dead letters, so that it blocks no other job. Only
-- while it is in the name of :worker_id, or in none if that is null. Nothing is computed from the row's values.
with aside as (
    delete from simple_queue.jobs j
    where j.id = :id and j.worker_id is not distinct from :worker_id
    returning j.*
), leaving as (
    select aside.id, aside.gate, true as failed from aside where aside.worker_id is not null
)
\ir parts/ended_places.sql
, leaving_places as (
    select aside.id from aside where aside.gate like 'order:%' and aside.worker_id is null
)
\ir parts/moved_places.sql
, halted as (
    -- A sequence halts too where its first job has not run: it takes the place, which no other has.
    insert into simple_queue.gates as g (gate, rule, running)
    select aside.gate, l.name, 1
    from aside
    join simple_queue.limits l on l.name = split_part(aside.gate, '#', 1)
    where aside.worker_id is null and l.after_failure <> 'continue'
    on conflict (gate) do update set running = 1 where g.running = 0
    returning g.gate
), letters as (
    select places.* from places
    union all
    select moved.* from moved
    union all
    select halted.gate, timestamptz 'infinity', 1, aside.id from halted join aside on aside.gate = halted.gate
    union all
    -- Where the others are dropped, the visit does so.
    select halted.gate, null, 0, null from halted
)
\ir parts/turned.sql
, dead as (
    \ir parts/into_dead_letters.sql
    select
        \ir parts/job_columns.sql
        id, lease, worker_id, now(), 'unprocessable', :reason, attempt, reprocess_count, crash_count, timeout, null, errors, cost
    from aside
    \ir parts/overwrite_dead_letter.sql
    returning id
)
select dead.id, (select count(*) from turned) as notified from dead
