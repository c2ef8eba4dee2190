-- due
-- Locks the rows to claim: of each queue at most as many as its permits, and of all at most :limit.
--
-- For each priority of a queue the index is read in due order, from the floor that the caller knows: a floor without a
-- time is :margin before now, a priority without a floor is read from its beginning. Every level stops as soon as its
-- permits are used, so a lower priority is not read while a higher one uses them up.
--
-- Within a priority, the kinds that share a limit are read separately, so that the claim keeps each limit. A limit that
-- is met in two priorities is kept by the caller, which gives back the surplus.
--
-- In a backlog many processes read the same lanes. A row that another process is claiming is locked already, or is met
-- while that claim commits, and then locked here for nothing. With :include_touched false such rows, whose xmax shows
-- another transaction, are skipped without a try. So are rows that were locked and released again: the caller sets
-- :include_touched as soon as permits are left.
--
-- needs: demand; :include_touched, :limit, :margin
-- gives: due (ctids), one row
, due as materialized (
    select array(
        select due.ctid
        from demand
        cross join lateral (
            select picked.ctid
            from unnest(demand.priorities) as lane (priority)
            join lateral jsonb_to_recordset(demand.shares)
                as share (permits integer, kinds text[], excluded text[], floors jsonb)
                on share.permits * 0 = 0
            -- With a limit it is looked up per priority, which keeps their order; a join would lose it.
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
                    and (:include_touched or j.xmax = '0' or j.xmax = j.xmin)
                    -- A case expression, which the planner cannot estimate: if all kinds are the same it would expect
                    -- `<> all` to leave no row, and sort the whole lane.
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
