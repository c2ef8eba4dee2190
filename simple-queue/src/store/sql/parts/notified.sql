-- notified
-- Wakes workers that sleep; those that do not look again by themselves before they go to sleep.
--
-- needs: touched (queue), where something has become due; :channel
-- gives: notified, to be counted: a part of a statement that nothing reads is not carried out
, notified as (
    select pg_notify(:channel, 'queue ' || touched.queue) from touched
    where exists (select from simple_queue.idle_workers)
)
