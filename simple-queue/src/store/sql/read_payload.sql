-- read_payload
-- The payload of a job that was too long to be sent with the claim, and its length; without the text if it is longer
-- than :longest bytes.
select case when octet_length(payload.text) <= :longest then payload.text end as text, octet_length(payload.text) as length
from simple_queue.jobs j
cross join lateral (select j.job_data::text as text) payload
where j.id = :id
