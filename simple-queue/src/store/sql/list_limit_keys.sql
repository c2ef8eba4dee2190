-- list_limit_keys
-- Keys of a limit that have jobs, those that run and those that wait: the keys after :gate, at most :limit. One index
-- descent a key; of the waiting jobs of a key at most a thousand are counted.
with recursive key (gate, n) as (
    select (
        select j.gate from simple_queue.jobs j
        where j.gate > coalesce(:gate, :rule || '#') and j.gate < :rule || '$' and j.held is null
        order by j.gate
        limit 1
    ), 1
    union all
    select (
        select j.gate from simple_queue.jobs j
        where j.gate > key.gate and j.gate < :rule || '$' and j.held is null
        order by j.gate
        limit 1
    ), key.n + 1
    from key
    where key.gate is not null and key.n < :limit
)
select key.gate, l.concurrency, coalesce(s.concurrency, l.concurrency_set) as concurrency_set,
    coalesce(s.paused_at, l.paused_at) as paused_at, running.n as running, waiting.n as waiting,
    waiting.since as waiting_since, halted.job_id as halted_by, retried.due_at as retry_at,
    l.rate, coalesce(s.rate, l.rate_set) as rate_set, rated.tokens, rated.full_at, rated.next_at, s.weight
from key
join simple_queue.limits l on l.name = :rule
left join simple_queue.limit_keys s on s.gate = key.gate
left join simple_queue.gates g on g.gate = key.gate
cross join lateral (
    select k.tokens,
        case when r.until is null then d.due when k.tokens < r.burst then r.until else own.at end as full_at,
        greatest(own.held_until, case
            when r.until is null then d.due - make_interval(secs => (r.burst - 1) * n.step)
            when k.tokens <= 0 then r.until else own.at
        end) as next_at
    from (
        select now() as at, coalesce(s.rate, l.rate_set, l.rate) as rate, g.tat, g.step, g.start_within,
            g.held_until, 0::double precision as needs
    ) own
    \ir parts/tokens_of_key.sql
) rated
cross join lateral (
    select count(*)::integer as n
    from (
        select from simple_queue.jobs j
        where j.gate = key.gate and j.held is null and j.worker_id is not null
        limit 1000
    ) job
) running
cross join lateral (
    select count(*) as n, min(job.run_at) as since
    from (
        select j.run_at from simple_queue.jobs j
        where j.gate = key.gate and j.held is null and j.worker_id is null
        limit 1000
    ) job
) waiting
left join lateral (
    select t.job_id from simple_queue.turns t
    where t.rule = :rule and t.due_at = 'infinity' and t.gate = key.gate
    limit 1
) halted on true
left join lateral (
    select t.due_at from simple_queue.turns t
    where t.rule = :rule and t.due_at > now() and t.due_at < 'infinity' and t.gate = key.gate and t.job_id is not null
    limit 1
) retried on true
where key.gate is not null
order by key.gate
