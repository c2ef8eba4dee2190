-- look_for_due
-- Whether a job is due that this demand could claim, and if none is, the seconds until one is. Locks nothing. Of the
-- jobs under a limit for each key, it looks at their turns.
with nothing as (select)
\ir parts/demand.sql
\ir parts/next_due.sql
, turn as materialized (
    select min(coalesce(next.due_at, now())) as due_at
    from demand
    cross join lateral jsonb_to_recordset(demand.shares) as share (kinds text[])
    cross join lateral unnest(share.kinds) as served (kind)
    cross join lateral unnest(array['key', 'order', 'fair']) as limited (by)
    cross join lateral (
        (
            select t.due_at from simple_queue.turns t
            where t.rule = format('%s:%s/%s', limited.by, demand.queue, served.kind) and t.due_at is null
            order by t.gate
            limit 1
        )
        union all
        (
            select t.due_at from simple_queue.turns t
            where t.rule = format('%s:%s/%s', limited.by, demand.queue, served.kind) and t.due_at < 'infinity'
            order by t.due_at
            limit 1
        )
    ) next
)
select exists (
    select from demand
    cross join lateral unnest(demand.priorities) as lane (priority)
    join lateral jsonb_to_recordset(demand.shares)
        as share (permits integer, kinds text[], excluded text[], floors jsonb)
        on share.permits * 0 = 0
    left join lateral (
        select coalesce(known.run_at, now() - :margin::interval) as run_at, known.id
        from jsonb_to_recordset(share.floors) as known (priority smallint, run_at timestamptz, id uuid)
        where known.priority = lane.priority
        limit 1
    ) floor on true
    cross join lateral (
        select from simple_queue.jobs j
        where j.queue = demand.queue and j.priority = lane.priority
            and j.gate is null and j.held is null
            and (j.run_at, j.id) >= (
                coalesce(floor.run_at, '-infinity'),
                coalesce(floor.id, '00000000-0000-0000-0000-000000000000')
            )
            and j.run_at <= now() and j.worker_id is null
            and case
                when share.kinds is null then j.kind <> all (share.excluded)
                else j.kind = any (share.kinds)
            end
        order by j.run_at, j.id
        limit 1
    ) due
) or exists (select from turn where turn.due_at <= now()) as is_due,
    now() as now,
    least(
        (select next_due.wait from next_due),
        (select extract(epoch from turn.due_at - now())::double precision from turn)
    ) as wait
