-- claimed
-- Claims the locked rows for this process.
--
-- needs: worker (id), this process's row; due (ctids), the rows
-- gives: claimed, with the columns of a fetched job
, claimed as (
    update simple_queue.jobs j
    set worker_id = worker.id, lease = least(j.lease, 9223372036854775806) + 1, attempt = least(j.attempt, 2147483646) + 1, updated_at = now()
    from worker
    where j.ctid = any ((select due.ctids from due)::tid[])
    \ir claimed_columns.sql
)
