-- claimed_of_keys
-- Claims the jobs of keys for this process. By id, and unclaimed: a row that was locked may have changed since the
-- snapshot.
--
-- needs: worker; starting (id), the jobs
-- gives: claimed, with the columns of a fetched job
, claimed as (
    update simple_queue.jobs j
    set worker_id = worker.id, lease = least(j.lease, 9223372036854775806) + 1, attempt = least(j.attempt, 2147483646) + 1, updated_at = now()
    from worker
    where j.id = any (array(select starting.id from starting)) and j.worker_id is null
    \ir claimed_columns.sql
)
