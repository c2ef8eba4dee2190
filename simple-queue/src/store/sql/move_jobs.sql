-- move_jobs
-- Gives waiting jobs, which this transaction has locked, another queue, priority or due time. What is null stays. The
-- due time is never in the past, because a floor of the new lane may be behind the old one; and the time that a job may
-- wait to be started goes along with it. A job of a sequence keeps its place in it: only the time at which it is tried
-- again may come now. A key goes along to a queue where its kind has such a limit too.
with target as materialized (
    select j.id, case
            when j.gate like 'order:%' and (
                :queue::text <> j.queue or :priority::smallint <> j.priority or :run_at::timestamptz is not null
                or (:runs_now and j.run_at > now())
            ) then 'order'
            when coalesce(:queue::text, j.queue) <> j.queue and (rule.name is not null) <> (j.gate is not null) then 'limit'
            when coalesce(:queue::text, j.queue) <> j.queue and split_part(moved.gate, ':', 1) <> split_part(j.gate, ':', 1)
                then 'limit'
            when octet_length(moved.gate) > 512 then 'limit'
            else 'done'
        end as outcome,
        case when coalesce(:queue::text, j.queue) <> j.queue then moved.gate else j.gate end as gate,
        case
            when j.gate like 'order:%' then j.run_at
            when :runs_now then now()
            else greatest(now(), coalesce(:run_at::timestamptz, j.run_at))
        end as due
    from simple_queue.jobs j
    left join lateral (
        -- The limit of the same sort, if there are both: one of them is of an earlier declaration.
        select known.name
        from (
            select l.name, split_part(l.name, ':', 1) = split_part(j.gate, ':', 1) as fits from simple_queue.limits l
            where l.name in (
                'key:' || :queue::text || '/' || j.kind, 'order:' || :queue::text || '/' || j.kind,
                'fair:' || :queue::text || '/' || j.kind
            )
        ) known
        order by known.fits desc nulls last
        limit 1
    ) rule on true
    cross join lateral (
        select rule.name || substr(j.gate, strpos(j.gate, '#')) as gate
    ) moved
    where j.id = any (:ids::uuid[]) and j.worker_id is null
), changed as (
    update simple_queue.jobs j
    set queue = coalesce(:queue::text, j.queue), priority = coalesce(:priority::smallint, j.priority),
        gate = target.gate, run_at = target.due,
        expires_at = case
            when (:runs_now or :run_at::timestamptz is not null) and j.expires_at < '50000-01-01' and target.due < '50000-01-01'
                then j.expires_at + (target.due - j.run_at)
            else j.expires_at
        end,
        updated_at = now()
    from target
    where j.id = target.id and target.outcome = 'done'
    returning j.id, j.queue, j.gate, j.run_at
), leaving_places as (
    select changed.id from changed where :runs_now and changed.gate like 'order:%'
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
    union all
    select distinct changed.gate, case when changed.run_at > now() then changed.run_at end, 0, null::uuid from changed
    where changed.gate is not null
)
\ir parts/turned.sql
, touched as (
    select distinct queue from changed
)
\ir parts/notified.sql
select target.id, target.outcome, (select count(*) from notified) + (select count(*) from turned) as notified
from target
