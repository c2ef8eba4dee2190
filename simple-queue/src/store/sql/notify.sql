-- notify
-- Only while somebody sleeps; a worker that does not looks again by itself before it goes to sleep.
select pg_notify($1, payload)
from unnest($2::text[]) payload
where exists (select from simple_queue.idle_workers)
