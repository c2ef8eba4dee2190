-- return_listed_jobs
-- Like return_jobs, for the jobs :ids that were found in the names :workers, after the database refused to return all
-- of them together. Jobs that are in another name by now are left alone. With :crashed the crash is counted: for each
-- job or, if :suspect_id is not null, for that one only.
with orphan as (
    select j.id, j.cancel_requested_at is not null as cancelled,
        least(j.crash_count, 2147483646)
            + case when :crashed and coalesce(:suspect_id, j.id) = j.id then 1 else 0 end as crash_count
    from unnest(:ids::uuid[], :workers::uuid[]) as listed (id, worker_id)
    join simple_queue.jobs j on j.id = listed.id and j.worker_id = listed.worker_id
    order by j.id
    for update of j skip locked
)
\ir parts/returned.sql
