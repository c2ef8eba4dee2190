-- sample_depth
-- Counts the jobs of a queue that wait, up to a bound, and writes them beside the counts of this minute. The jobs of
-- a key are counted as waiting, whether they are due or not: the key decides.
with recursive lane (priority) as (
    (
        select j.priority from simple_queue.jobs j
        where j.queue = :queue and j.gate is null and j.held is null
        order by j.priority limit 1
    )
    union all
    select (
        select j.priority from simple_queue.jobs j
        where j.queue = :queue and j.gate is null and j.held is null and j.priority > lane.priority
        order by j.priority limit 1
    )
    from lane where lane.priority is not null
), waiting as (
    select first.run_at
    from lane
    cross join lateral (
        select j.run_at from simple_queue.jobs j
        where j.queue = :queue and j.priority = lane.priority and j.run_at <= now() and j.gate is null
            and j.held is null and j.worker_id is null
        order by j.run_at, j.id
        limit :most
    ) first
    limit :most
), of_keys as (
    select from (select unnest(:rules::text[]) as rule) asked
    cross join lateral (
        select from simple_queue.jobs j
        where j.gate >= asked.rule || '/' and j.gate < asked.rule || '0' and j.held is null and j.worker_id is null
        limit :most
    ) first
    limit :most
), later as (
    select from lane
    cross join lateral (
        select from simple_queue.jobs j
        where j.queue = :queue and j.priority = lane.priority and j.run_at > now() and j.gate is null
            and j.held is null and j.worker_id is null
        limit :most
    ) first
    limit :most
)
insert into simple_queue.stats as s (width, at, queue, kind, waiting, later, oldest_ms)
select 60, date_bin('1 min', now(), 'epoch'), :queue, '',
    least((select count(*) from waiting) + (select count(*) from of_keys), :most),
    (select count(*) from later),
    (select (extract(epoch from now() - min(w.run_at)) * 1000)::bigint from waiting w)
on conflict (width, at, queue, kind) do update
set waiting = excluded.waiting, later = excluded.later, oldest_ms = excluded.oldest_ms
