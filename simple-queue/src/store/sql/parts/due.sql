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
            \ir lane_floor.sql
            cross join lateral (
                select j.ctid from simple_queue.jobs j
                \ir lane_rows.sql
                limit share.permits
                for update skip locked
            ) picked
            limit demand.permits
        ) due
        limit :limit
    ) as ctids
)
