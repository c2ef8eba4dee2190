-- notify
-- Only while a worker sleeps: the others poll once more before they go to sleep.
select pg_notify(:channel, payload)
from unnest(:payloads::text[]) payload
where exists (select from simple_queue.idle_workers)
