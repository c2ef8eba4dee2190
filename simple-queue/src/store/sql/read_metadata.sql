-- read_metadata
-- The metadata of a running job.
select
    \ir parts/own_metadata.sql
from simple_queue.jobs where id = :id and lease = :lease
