-- fetch_jobs
-- Claims, for every queue in the demand, at most as many due jobs as it has free permits.
--
-- For each priority of a queue the index is read in the order of dueness, from the floor on that the
-- caller knows of: a floor without a time is `:margin` before now, a priority without a floor is read from its
-- beginning. Every level stops as soon as its permits are used, so a lower priority is not even looked at
-- while a higher one fills them.
--
-- The priorities that the caller does not know are found in the gaps between those it does, one index descent
-- each, in their order and after `probe_after`; at most as many as `probes` says.
--
-- Within a priority the kinds that share a limit are read apart, so that the claim keeps each limit; a
-- limit that is met in two priorities is kept by the caller, who gives back what is too much.
--
-- The rows are locked before their ctids are used, and claimed by ctid through an array: joined back
-- by id, a bound limit would become a hash join with a scan of the whole table in a generic plan.
--
-- In a backlog many processes read the same lanes. A row that another is claiming would be locked already, or
-- be met as that claim is committed, and then be locked here for nothing. With `:careful` false such rows, on which
-- xmax shows a trace, are passed by without a try. So are rows that somebody locked and let go of: the caller
-- says `:careful` as soon as permits are left.
--
-- What has been done meanwhile is finished in the same statement and commit.
\ir parts/finished.sql
, worker as materialized (
    -- A claim needs the process's own row and keeps it from being taken for dead meanwhile.
    select id from simple_queue.workers where id = :worker_id for key share
), demand as materialized (
    select d.queue, d.permits, d.shares, array(
        with recursive gap (low, high) as (
            select coalesce(lag(bound) over (order by bound), -32769), bound
            from (
                select known.priority::integer from unnest(d.priorities) as known (priority)
                union all
                select 32768
            ) as bounds (bound)
        ), lane (priority) as (
            select d.probe_after
            union all
            select next.priority
            from lane
            cross join lateral (
                select found.priority
                -- In this order, and so no further than to the first gap in which there is something.
                from (select gap.low, gap.high from gap order by gap.low offset 0) gap
                cross join lateral (
                    select j.priority::integer from simple_queue.jobs j
                    where j.queue = d.queue and j.gate is null and j.held is null
                        and j.priority > greatest(gap.low, lane.priority) and j.priority < gap.high
                    order by j.priority limit 1
                ) found
                where gap.high > lane.priority + 1
                limit 1
            ) next
        )
        (select lane.priority from lane offset 1 limit d.probes)
        union all
        select known.priority::integer from unnest(d.priorities) as known (priority)
        order by priority
    ) as priorities
    from jsonb_to_recordset(:demand) as d (
        queue text, permits integer, priorities smallint[], probe_after integer, probes integer, shares jsonb
    )
    -- Always true. A set of JSON counts as a hundred rows; so that a hundred times a hundred of them do not
    -- look like work that is worth compiling the statement for, it is made to count as one.
    where d.permits * 0 = 0 and not exists (
        select from simple_queue.queues q where q.name = d.queue and q.paused_at is not null
    )
), due as materialized (
    select array(
        select due.ctid
        from demand
        cross join lateral (
            select picked.ctid
            from unnest(demand.priorities) as lane (priority)
            join lateral jsonb_to_recordset(demand.shares)
                as share (permits integer, kinds text[], excluded text[], floors jsonb)
                on share.permits * 0 = 0
            -- With a limit it is looked up for each priority, in their order; a join would lose that.
            left join lateral (
                select coalesce(known.run_at, now() - :margin::interval) as run_at, known.id
                from jsonb_to_recordset(share.floors)
                    as known (priority smallint, run_at timestamptz, id uuid)
                where known.priority = lane.priority
                limit 1
            ) floor on true
            cross join lateral (
                select j.ctid from simple_queue.jobs j
                where j.queue = demand.queue and j.priority = lane.priority
                    and j.gate is null and j.held is null
                    and (j.run_at, j.id) >= (
                        coalesce(floor.run_at, '-infinity'),
                        coalesce(floor.id, '00000000-0000-0000-0000-000000000000')
                    )
                    and j.run_at <= now() and j.worker_id is null
                    and (:careful or j.xmax = '0' or j.xmax = j.xmin)
                    -- A case, of which the planner knows nothing: where all kinds are alike it would
                    -- take `<> all` to leave no row, and then sort the whole lane.
                    and case
                        when share.kinds is null then j.kind <> all (share.excluded)
                        else j.kind = any (share.kinds)
                    end
                order by j.run_at, j.id
                limit share.permits
                for update skip locked
            ) picked
            limit demand.permits
        ) due
        limit :limit
    ) as ctids
)
\ir parts/claimed.sql
, next_due as (
    select extract(epoch from min(ahead.run_at) - now())::double precision as wait
    from demand
    cross join lateral unnest(demand.priorities) as lane (priority)
    join lateral jsonb_to_recordset(demand.shares)
        as share (permits integer, kinds text[], excluded text[])
        on share.permits * 0 = 0
    cross join lateral (
        select coalesce(
            (
                select coming.run_at
                from (
                    select j.run_at, j.kind from simple_queue.jobs j
                    where j.queue = demand.queue and j.priority = lane.priority
                        and j.gate is null and j.held is null
                        and j.run_at > now() and j.worker_id is null
                    order by j.run_at
                    limit 100
                ) coming
                where case
                    when share.kinds is null then coming.kind <> all (share.excluded)
                    else coming.kind = any (share.kinds)
                end
                limit 1
            ),
            -- Of kinds that others run there may be any number: after a hundred of those it is time to look
            -- again, and no more are read.
            (
                select j.run_at from simple_queue.jobs j
                where j.queue = demand.queue and j.priority = lane.priority
                    and j.gate is null and j.held is null
                    and j.run_at > now() and j.worker_id is null
                order by j.run_at
                offset 99 limit 1
            )
        ) as run_at
    ) ahead
)
-- The claimed jobs, and one row that says how it went, so that this comes back with an empty claim too. The
-- wait and the lanes are looked up only when permits are left: otherwise the next fetch follows as soon as one
-- is free, and of a thousand queues only those were read that the permits sufficed for.
select claimed.*, null::jsonb as said from claimed
union all
select null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
    jsonb_build_object(
        'now', now(),
        'finished', array(select finished.id from finished),
        'wait', case when cardinality(due.ctids) < :limit then (select next_due.wait from next_due) end,
        'lanes', case when cardinality(due.ctids) < :limit then (
            select jsonb_object_agg(demand.queue, to_jsonb(demand.priorities)) from demand
        ) end
    )
from due
