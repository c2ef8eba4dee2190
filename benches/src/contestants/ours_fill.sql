-- fill
insert into simple_queue.jobs (id, queue, kind, priority, run_at, job_data)
select gen_random_uuid(), new.queue, 'measured', new.priority, now() + make_interval(secs => new.delay),
    new.payload::jsonb
from unnest($1::text[], $2::smallint[], $3::double precision[], $4::text[])
    as new (queue, priority, delay, payload)
