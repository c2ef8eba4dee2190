-- lane_floor
-- The shares of a queue, each with the floor from which a priority is read: a floor without a time is :margin before
-- now, a priority without a floor is read from its beginning.
--
-- needs: demand; lane (priority); :margin
-- gives: share (permits, kinds, excluded, floors), floor (run_at, id)
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
