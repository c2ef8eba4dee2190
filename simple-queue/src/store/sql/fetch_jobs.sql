-- fetch_jobs
-- Claims, for every queue in the demand, at most as many due jobs as it has free permits.
--
-- For each priority of a queue the index is read in the order of dueness, from the floor on that the
-- caller knows of. Every level stops as soon as its permits are used, so a lower priority is not even
-- looked at while a higher one fills them. The priorities that the caller does not know are found in the
-- gaps between those it does, one index descent each.
--
-- Within a priority the kinds that share a limit are read apart, so that the claim keeps each limit; a
-- limit that is met in two priorities is kept by the caller, who gives back what is too much.
--
-- The rows are locked before their ctids are used, and claimed by ctid through an array: joined back
-- by id, a bound limit would become a hash join with a scan of the whole table in a generic plan.
--
-- What has been done meanwhile is finished in the same statement and commit, as archive_jobs does it.
with held as materialized (
    select job.ctid
    from unnest($4::uuid[], $5::bigint[]) as done (job_id, lease)
    cross join lateral (
        select j.ctid from simple_queue.jobs j
        where j.id = done.job_id and j.lease = done.lease and j.worker_id = $1
        limit 1
        for update skip locked
    ) job
), finished as (
    delete from simple_queue.jobs j
    where j.ctid = any (array(select held.ctid from held))
    returning j.*
), archived as (
    insert into simple_queue.archive (
        id, lease, scheduled_at, created_at, finished_at, worker_id, attempt, max_attempts,
        reprocess_count, crash_count, version, priority, queue, kind, job_data, result, unique_key,
        fingerprint, tags, errors, metadata, keep_until
    )
    select j.id, j.lease, j.scheduled_at, j.created_at, now(), j.worker_id, j.attempt, j.max_attempts,
        j.reprocess_count, j.crash_count, j.version, j.priority, j.queue, j.kind, j.job_data,
        returned.result::jsonb, j.unique_key, j.fingerprint, j.tags, j.errors, j.metadata, now() + j.retain
    from finished j
    -- Most jobs return nothing, and are not looked up.
    left join (
        select done.job_id, done.result from unnest($4::uuid[], $6::text[]) as done (job_id, result)
        where done.result is not null
    ) returned on returned.job_id = j.id
    where case when j.retain is null then $7 else j.retain > interval '0' end
), worker as materialized (
    -- A claim needs the process's own row and keeps it from being taken for dead meanwhile.
    select id from simple_queue.workers where id = $1 for key share
), demand as materialized (
    select d.queue, d.permits, d.shares, array(
        with recursive gap (low, high) as (
            select coalesce(lag(bound) over (order by bound), -32769), bound
            from (
                select known.priority::integer from unnest(d.priorities) as known (priority)
                union all
                select 32768
            ) as bounds (bound)
        ), lane (priority, high) as (
            select (
                select j.priority from simple_queue.jobs j
                where j.queue = d.queue and j.priority > gap.low and j.priority < gap.high
                order by j.priority limit 1
            ), gap.high
            from gap
            union all
            select (
                select j.priority from simple_queue.jobs j
                where j.queue = d.queue and j.priority > lane.priority and j.priority < lane.high
                order by j.priority limit 1
            ), lane.high
            from lane where lane.priority is not null
        )
        select lane.priority from lane where lane.priority is not null
        union all
        select known.priority from unnest(d.priorities) as known (priority)
        order by priority
    ) as priorities
    from jsonb_to_recordset($2) as d (queue text, permits integer, priorities smallint[], shares jsonb)
    -- Always true. A set of JSON counts as a hundred rows; so that a hundred times a hundred of them do not
    -- look like work that is worth compiling the statement for, it is made to count as one.
    where d.permits * 0 = 0 and not exists (
        select from simple_queue.queues q where q.name = d.queue and q.paused_at is not null
    )
), claimed as (
    update simple_queue.jobs j
    set worker_id = worker.id, lease = j.lease + 1, attempt = least(j.attempt, 2147483646) + 1, updated_at = now()
    from worker
    where j.ctid = any (array(
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
                select known.run_at, known.id
                from jsonb_to_recordset(share.floors)
                    as known (priority smallint, run_at timestamptz, id uuid)
                where known.priority = lane.priority
                limit 1
            ) floor on true
            cross join lateral (
                select j.ctid from simple_queue.jobs j
                where j.queue = demand.queue and j.priority = lane.priority
                    and (j.run_at, j.id) >= (
                        coalesce(floor.run_at, '-infinity'),
                        coalesce(floor.id, '00000000-0000-0000-0000-000000000000')
                    )
                    and j.run_at <= now() and j.worker_id is null
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
        limit $3
    ))
    returning j.id, j.queue, j.kind, j.version, j.fingerprint, j.unique_key, j.created_at, j.run_at, j.updated_at,
        j.attempt, j.job_data::text, j.max_attempts, j.lease, j.reprocess_count, j.crash_count,
        extract(epoch from j.timeout)::double precision as timeout,
        coalesce(j.expires_at <= now(), false) as expired,
        j.priority
)
-- One row says how it went, so that the wait comes back with an empty claim too; the others are the claimed
-- jobs. The wait and the lanes are looked up only when permits are left: otherwise the next fetch follows as
-- soon as one is free, and of a thousand queues only those were read that the permits sufficed for.
select claimed.*, said.*
from (
    select case when (select count(*) from claimed) < $3 then (
        select extract(epoch from min(ahead.run_at) - now())::double precision
        from demand
        cross join lateral unnest(demand.priorities) as lane (priority)
        join lateral jsonb_to_recordset(demand.shares)
            as share (permits integer, kinds text[], excluded text[])
            on share.permits * 0 = 0
        cross join lateral (
            -- Of kinds that others run there may be any number: after a hundred of those it is time to look
            -- again, and no more are read.
            select coalesce(
                min(coming.run_at) filter (where case
                    when share.kinds is null then coming.kind <> all (share.excluded)
                    else coming.kind = any (share.kinds)
                end),
                max(coming.run_at) filter (where coming.number = 100)
            ) as run_at
            from (
                select j.run_at, j.kind, row_number() over (order by j.run_at) as number
                from simple_queue.jobs j
                where j.queue = demand.queue and j.priority = lane.priority
                    and j.run_at > now() and j.worker_id is null
                order by j.run_at
                limit 100
            ) coming
        ) ahead
    ) end as wait,
    now() as now,
    case when (select count(*) from claimed) < $3 then (
        select jsonb_object_agg(demand.queue, to_jsonb(demand.priorities)) from demand
    ) end as lanes,
    array(select finished.id from finished) as finished
) said
full join claimed on false
