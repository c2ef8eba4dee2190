-- first_lane
-- The first priority of the jobs of a key. Most keys have one.
--
-- needs: k (gate); delayed
-- gives: a query (priority)
select j.priority from simple_queue.jobs j
where j.gate = k.gate and j.held is null and (select delayed.are_there from delayed)
order by j.priority
limit 1
