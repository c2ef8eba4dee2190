-- turned
-- Writes turns, and wakes sleeping workers for those that are due soon: each process sleeps until the next due time
-- that it knows.
--
-- needs: letters (gate, due_at, released, job_id), due_at null means now; :channel
-- gives: turned, to be counted: Postgres does not run a notification that nothing reads
\ir turns.sql
, turned as (
    select pg_notify(:channel, 'queue ' || told.queue)
    from (
        select distinct split_part(split_part(turns.rule, ':', 2), '/', 1) as queue from turns
        where turns.due_at is null or turns.due_at < now() + interval '30 s'
    ) told
    where exists (select from simple_queue.idle_workers)
)
