-- find_lane
-- The first priority of a queue between these two of which a job waits or runs.
select j.priority from simple_queue.jobs j
where j.queue = $1 and j.priority > $2::integer and j.priority < $3::integer and j.gate is null and j.held is null
order by j.priority
limit 1
