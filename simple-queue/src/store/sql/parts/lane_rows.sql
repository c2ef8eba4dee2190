-- lane_rows
-- The due jobs of a priority that a share takes, in due order from its floor.
--
-- needs: demand; lane (priority); share, floor; jobs as j; :include_touched
-- gives: conditions and an order
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
