-- find_lane
-- The first priority of a queue between these two that has a pending or running job.
select j.priority from simple_queue.jobs j
where j.queue = :queue and j.priority > :low::integer and j.priority < :high::integer
    and j.gate is null and j.held is null
order by j.priority
limit 1
