-- list_limits
-- Limits with the processes that hold permits of them or want some, and with what is left of their rates.
select l.name, l.concurrency, l.concurrency_set, l.lent, l.paused_at, l.rate, l.rate_set,
    -- As take_tokens counts them.
    case when l.held_until > now() then 0 else c.tokens end as tokens,
    greatest(case when r.until is null then l.tat when c.tokens < r.burst then r.until end, now()) as full_at,
    greatest(
        case when r.until is null then l.tat - make_interval(secs => (r.burst - 1) * r.step)
            when c.tokens <= 0 then r.until end,
        l.held_until, now()
    ) as next_at,
    coalesce(
        jsonb_agg(jsonb_build_object(
            'worker_id', q.worker_id, 'host', w.host, 'pid', w.pid, 'held', q.held, 'wanted', q.wanted
        ) order by q.held desc, q.worker_id) filter (where q.held > 0 or q.wanted > 0),
        '[]'
    ) as quotas
from simple_queue.limits l
\ir parts/rate.sql
cross join lateral (
    select greatest(0, floor(
        extract(epoch from coalesce(r.until, now()) - greatest(l.tat, coalesce(r.until, now())))::double precision / r.step
            + r.burst + r.slack
    ))::integer as tokens
) c
left join simple_queue.quotas q on q.limit_name = l.name
left join simple_queue.workers w on w.id = q.worker_id
where :name::text is null or l.name = :name
group by l.name, r.burst, r.step, r.until, c.tokens
order by l.name collate "C"
