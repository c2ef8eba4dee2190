-- notify
-- Only while somebody sleeps; a worker that does not looks again by itself before it goes to sleep.
select pg_notify(:channel, payload)
from unnest(:payloads::text[]) payload
where exists (select from simple_queue.idle_workers)
