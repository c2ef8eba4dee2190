-- read_for_edit
-- What an edit of a job's contents has to know.
select j.queue, j.kind, j.version, j.job_data::text as payload, j.unique_key, j.fingerprint, j.gate, j.cost
from simple_queue.jobs j
where j.id = :id
