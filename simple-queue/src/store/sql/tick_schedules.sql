-- tick_schedules
-- Moves schedules past the ticks that are due, and inserts the jobs of those ticks, each if no other process has done
-- it since the schedule was read: next_at is compared and set. A schedule that is paused, changed or locked meanwhile
-- stays as it is.
--
-- The rows are locked by name, as every statement does that locks several, and the ones that another session has locked
-- are left to it. A tick that may not overlap with an earlier job is only noted; release_ticks inserts its job.
--
-- The ticks of a schedule are a part of the arrays, and what is known of it is put together by groups: joined by name,
-- a thousand schedules would be compared with a thousand, because the server expects few.
with won as materialized (
    select s.name, s.overlap, s.queue, s.kind, s.priority, s.job_data, s.max_attempts, s.unique_key, s.fingerprint,
        s.expires_after, s.tags, s.version, s.retain, s.timeout, s.metadata, s.gate, s.cost,
        asked.following, asked.first, asked.last
    from unnest(
        :names::text[], :next_ats::timestamptz[], :then_ats::timestamptz[], :firsts::integer[], :lasts::integer[]
    ) as asked (name, next_at, following, first, last)
    join simple_queue.schedules s on s.name = asked.name and s.next_at = asked.next_at
    where s.paused_at is null
    order by s.name collate "C"
    for update of s skip locked
), due as materialized (
    select won.*, t.id, t.at, t.since
    from won
    cross join lateral unnest(
        (:ids::uuid[])[won.first : won.last], (:ats::timestamptz[])[won.first : won.last],
        (:sinces::timestamptz[])[won.first : won.last]
    ) as t (id, at, since)
), ticks as (
    select due.* from due where due.overlap <> 'queue'
)
\ir parts/tick_jobs.sql
, moves as materialized (
    select known.name, min(known.following) as following, max(known.at) as at,
        (array_agg(known.id order by known.at desc) filter (where known.id is not null))[1] as id,
        array_agg(known.waits order by known.waits) filter (where known.waits is not null) as waiting
    from (
        select won.name, won.following, null::timestamptz as at, null::uuid as id, null::timestamptz as waits from won
        union all
        select inserted.name, null, inserted.at, inserted.id, null from inserted
        union all
        select due.name, null, null, null, due.at from due where due.overlap = 'queue'
    ) known
    group by known.name
), moved as (
    update simple_queue.schedules s
    set next_at = m.following, last_at = coalesce(m.at, s.last_at), last_job = coalesce(m.id, s.last_job),
        waiting = case when m.waiting is null then s.waiting else (s.waiting || m.waiting)[1:1000] end
    from moves m
    where s.name = m.name
    returning s.name, cardinality(s.waiting) as waiting
), touched as (
    select distinct queue from inserted
)
\ir parts/notified.sql
select moved.name, moved.waiting, (select count(*) from inserted) as inserted, (select count(*) from notified) as notified
from moved
