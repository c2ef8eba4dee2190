-- roll_up_stats
-- Computes rows of one width from those of a narrower one, since the beginning of the one before the present. They are
-- computed anew and not added to, so the statement may be repeated.
with narrow as (
    select date_bin(make_interval(secs => :width), s.at, 'epoch') as at, s.queue, s.kind, s.runs, s.completed, s.retried,
        s.snoozed, s.dead, s.cancelled, s.wait_ms, s.run_ms, s.wait, s.run, s.waiting, s.later, s.oldest_ms
    from simple_queue.stats s
    where s.width = :narrower
        and s.at >= date_bin(make_interval(secs => :width), now() - make_interval(secs => :width), 'epoch')
), bins as (
    select n.at, n.queue, n.kind, b.place, sum(b.wait)::integer as wait, sum(b.run)::integer as run
    from narrow n
    cross join lateral unnest(n.wait, n.run) with ordinality as b (wait, run, place)
    group by n.at, n.queue, n.kind, b.place
), arrays as (
    select b.at, b.queue, b.kind, array_agg(coalesce(b.wait, 0) order by b.place) as wait,
        array_agg(coalesce(b.run, 0) order by b.place) as run
    from bins b
    group by b.at, b.queue, b.kind
), sums as (
    select n.at, n.queue, n.kind, sum(n.runs) as runs, sum(n.completed) as completed, sum(n.retried) as retried,
        sum(n.snoozed) as snoozed, sum(n.dead) as dead, sum(n.cancelled) as cancelled, sum(n.wait_ms) as wait_ms,
        sum(n.run_ms) as run_ms, max(n.waiting) as waiting, max(n.later) as later, max(n.oldest_ms) as oldest_ms
    from narrow n
    group by n.at, n.queue, n.kind
)
insert into simple_queue.stats as s (
    width, at, queue, kind, runs, completed, retried, snoozed, dead, cancelled, wait_ms, run_ms, wait, run, waiting,
    later, oldest_ms
)
select :width, n.at, n.queue, n.kind, n.runs, n.completed, n.retried, n.snoozed, n.dead, n.cancelled, n.wait_ms,
    n.run_ms, coalesce(a.wait, '{}'), coalesce(a.run, '{}'), n.waiting, n.later, n.oldest_ms
from sums n
left join arrays a on (a.at, a.queue, a.kind) = (n.at, n.queue, n.kind)
order by n.at, n.queue collate "C", n.kind collate "C"
on conflict (width, at, queue, kind) do update
set runs = excluded.runs, completed = excluded.completed, retried = excluded.retried, snoozed = excluded.snoozed,
    dead = excluded.dead, cancelled = excluded.cancelled, wait_ms = excluded.wait_ms, run_ms = excluded.run_ms,
    wait = excluded.wait, run = excluded.run, waiting = excluded.waiting, later = excluded.later,
    oldest_ms = excluded.oldest_ms
