-- insert
insert into job (id, queue_id, priority, run_at, kind, payload)
select id, queue_id, priority, now() + make_interval(secs => delay), 'bench', payload::jsonb
from unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::double precision[], $5::text[])
    as new (id, queue_id, priority, delay, payload)
