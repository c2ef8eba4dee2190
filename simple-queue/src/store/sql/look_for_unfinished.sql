-- look_for_unfinished
-- What is left of the jobs that a worker runs: of each of these queues those of the kind beside it, or of every kind.
-- permitted_in is the time until a key gets its turn or a rate has all its tokens, if that is to come. For tests.
select count(*) filter (where mine.worker_id is not null) as running,
    (array_agg(mine.kind) filter (where mine.worker_id is not null))[1] as runs,
    count(*) filter (where mine.worker_id is null and mine.run_at <= now()) as due,
    count(*) filter (where mine.worker_id is null and mine.run_at > now()) as later,
    extract(epoch from
        min(mine.run_at) filter (where mine.worker_id is null and mine.run_at > now()) - now()
    )::double precision as next_in,
    (
        select extract(epoch from min(coming.at) - now())::double precision
        from (
            select t.due_at as at from simple_queue.turns t
            union all
            select l.tat from simple_queue.limits l where l.rate is not null
            union all
            select l.held_until from simple_queue.limits l where l.rate is not null
        ) coming
        where coming.at > now() and isfinite(coming.at)
    ) as permitted_in
from (
    select j.worker_id, j.kind, j.run_at
    from simple_queue.jobs j
    where exists (
        select from unnest(:queues::text[], :kinds::text[]) as served (queue, kind)
        where served.queue = j.queue and (served.kind is null or served.kind = j.kind)
    )
) mine
