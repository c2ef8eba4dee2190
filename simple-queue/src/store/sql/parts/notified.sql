-- notified
-- Wakes sleeping workers; the others poll once more before they go to sleep.
--
-- needs: touched (queue), the queues with newly due jobs; :channel
-- gives: notified, to be counted: Postgres does not run a part that nothing reads
, notified as (
    select pg_notify(:channel, 'queue ' || touched.queue) from touched
    where exists (select from simple_queue.idle_workers)
)
