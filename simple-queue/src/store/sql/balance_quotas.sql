-- balance_quotas
-- Moves permits between limits and this process. Of each limit it keeps `keep` permits in any case, and gets up to
-- `want` as far as there are any. Says what it wants and did not get, and wakes the processes that wait for what it gives.
--
-- A permit is lent only under the lock of the limit's row, from the newest version of that row, which may be newer than
-- all else that this statement sees. So what decides is in that row and in the process's own, which it locks too. How
-- many processes have a quota is only read to divide fairly.
--
-- A statement that the network held up may arrive after a later one of the same process, which then relies on more
-- permits than the late one would keep. So statements are numbered, and a late one changes nothing.
with worker as materialized (
    select id from simple_queue.workers where id = :worker_id for key share
), locked as materialized (
    select l.name, l.lent, l.wanting,
        case when l.paused_at is null then coalesce(l.concurrency_set, l.concurrency) else 0 end as most
    from simple_queue.limits l
    where l.name = any (:names) and exists (select from worker)
    order by l.name collate "C"
    for update
), own as materialized (
    select s.limit_name, s.worker_id, s.held, s.wanted
    from simple_queue.quotas s
    where s.limit_name = any (array(select locked.name from locked)) and s.worker_id = :worker_id
        and s.asked < :number
    order by s.limit_name collate "C"
    for update
), counted as (
    select l.name, l.most, l.lent, own.worker_id, own.held as held_before, own.wanted as wanted_before,
        least(asked.keep, own.held) as keep, asked.want,
        -- What this process may hold at most.
        l.most - (l.lent - own.held) as room,
        l.wanting - (own.wanted > 0)::integer as others_wanting,
        (
            select count(*)::integer from simple_queue.quotas s
            where s.limit_name = l.name and (s.held > 0 or s.wanted > 0 or s.worker_id = :worker_id)
        ) as sharing
    from locked l
    join own on own.limit_name = l.name
    join unnest(:names::text[], :keeps::integer[], :wants::integer[]) as asked (name, keep, want) on asked.name = l.name
), decided as (
    select c.*, greatest(c.keep, least(c.want,
        case when c.others_wanting = 0 then c.room else least(c.room, (c.most + c.sharing - 1) / c.sharing) end
    )) as held
    from counted c
), lent as (
    update simple_queue.limits l
    set lent = l.lent + d.held - d.held_before,
        wanting = d.others_wanting + (d.want > d.held)::integer
    from decided d
    where l.name = d.name
        and (d.held <> d.held_before or (d.want > d.held) <> (d.wanted_before > 0))
), shared as (
    update simple_queue.quotas s set held = d.held, wanted = greatest(0, d.want - d.held), asked = :number
    from decided d
    where s.limit_name = d.name and s.worker_id = d.worker_id
), notified as (
    -- Processes that want permits learn that some are free, or that their part has grown, and those that hold some that
    -- another one wants some.
    select pg_notify(:channel, 'limit ' || d.name) from decided d
    where d.others_wanting > 0 and (d.held < d.held_before or d.wanted_before > 0 and d.want <= d.held)
        or d.want > d.held and d.wanted_before = 0
)
select d.name, d.held, d.most, d.sharing, d.want > d.held as is_short, d.others_wanting > 0 as others_want,
    d.lent + d.held - d.held_before > d.most as is_over, (select count(*) from notified) as notified
from decided d
