-- charge_gate
-- Takes tokens of the rate of a key, of this one or of the one of a job, whether they are there or not. A key that
-- nothing was remembered of gets a row.
with known as materialized (
    select named.gate, l.name, coalesce(s.rate, l.rate_set, l.rate) as rate, now() as at, 0::double precision as needs
    from (
        select coalesce(:gate, (select j.gate from simple_queue.jobs j where j.id = :job_id)) as gate
    ) named
    join simple_queue.limits l on l.name = split_part(named.gate, '#', 1)
    left join simple_queue.limit_keys s on s.gate = named.gate
    where coalesce(s.rate, l.rate_set, l.rate) is not null
)
insert into simple_queue.gates as g (gate, rule, tat, step)
select own.gate, own.name, d.due + make_interval(secs => ceil(:tokens::integer * n.step * 1e6) / 1e6), n.step
from (
    select known.*, null::timestamptz as tat, null::double precision as step, null::double precision as start_within,
        null::timestamptz as held_until
    from known
) own
\ir parts/tokens_of_key.sql
on conflict (gate) do update
set (tat, step) = (
    select d.due + make_interval(secs => ceil(:tokens::integer * n.step * 1e6) / 1e6), n.step
    from (
        select known.*, g.tat, g.step, g.start_within, g.held_until from known
    ) own
    \ir parts/tokens_of_key.sql
)
returning g.gate
