-- add_stats
-- Adds what a process has counted to the rows of this minute. The rows are locked in one order, because several
-- processes may add to the same ones.
insert into simple_queue.stats as s (
    width, at, queue, kind, runs, completed, retried, snoozed, dead, cancelled, wait_ms, run_ms, wait, run
)
select 60, date_bin('1 min', now(), 'epoch'), c.queue, c.kind, c.runs, c.completed, c.retried, c.snoozed, c.dead,
    c.cancelled, c.wait_ms, c.run_ms, c.wait, c.run
from jsonb_to_recordset(:counted::jsonb) as c (
    queue text, kind text, runs bigint, completed bigint, retried bigint, snoozed bigint, dead bigint,
    cancelled bigint, wait_ms bigint, run_ms bigint, wait integer[], run integer[]
)
order by c.queue collate "C", c.kind collate "C"
on conflict (width, at, queue, kind) do update
set runs = s.runs + excluded.runs, completed = s.completed + excluded.completed,
    retried = s.retried + excluded.retried, snoozed = s.snoozed + excluded.snoozed, dead = s.dead + excluded.dead,
    cancelled = s.cancelled + excluded.cancelled, wait_ms = s.wait_ms + excluded.wait_ms,
    run_ms = s.run_ms + excluded.run_ms,
    wait = array(
        select coalesce(b.known, 0) + coalesce(b.more, 0)
        from unnest(s.wait, excluded.wait) with ordinality as b (known, more, place) order by b.place
    ),
    run = array(
        select coalesce(b.known, 0) + coalesce(b.more, 0)
        from unnest(s.run, excluded.run) with ordinality as b (known, more, place) order by b.place
    )
