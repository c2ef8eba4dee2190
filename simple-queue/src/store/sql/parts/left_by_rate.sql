-- left_by_rate
-- Counts the places and the tokens of the visited keys, and leaves turns where a job is left that may start, as
-- left_behind does. Where the tokens do not suffice, the turn is due when they do: for half of the burst, but no more
-- than 100 ms after the first of them. A turn that is due before leads back too, so no second one is written.
--
-- needs: instant, rule, freed, rest, wanted, locked, taken_turns, room; picked (gate, id, cost); :rule
-- gives: seen; made (gate), the new gates; starting (id), the jobs to claim; dropped_turns (gate); letters (gate, due_at, released, job_id), the turns to write
, taken as materialized (
    select picked.gate, array_agg(picked.id) as ids, sum(picked.cost) as cost from picked
    group by picked.gate
), probed as materialized (
    select k.*, (
        \ir waits_at.sql
    ) as again
    from (
        select room.*, coalesce(taken.ids, '{}') as ids, coalesce(cardinality(taken.ids), 0) as taken,
            coalesce(taken.cost, 0) as cost
        from room
        left join taken on taken.gate = room.gate
    ) k
), seen as materialized (
    select p.gate, p.back, p.before, p.free, p.waiting, p.is_new, p.taken as n, p.again, p.step,
        p.least_within, p.within, p.wake_at, p.full_at, p.tokens - p.cost < left_over.first as lacks_tokens,
        -- A new row begins when it is inserted: the statement may have waited since the clock was read.
        case when p.is_new and p.until is null then clock_timestamp() else p.due end
            + make_interval(secs => ceil(p.cost * p.step * 1e6) / 1e6) as tat,
        case when p.until is not null then coalesce(
            (select p.held_until where p.held_until > (select instant.t from instant)), p.until
        ) else greatest(
            p.due + make_interval(secs => (p.cost - p.burst + left_over.first) * p.step),
            least(
                p.due + make_interval(secs => (p.cost - p.burst + left_over.all) * p.step),
                (select instant.t + interval '100 ms' from instant)
            )
        ) end + interval '10 us' as next_at
    from probed p
    cross join lateral (
        -- What the first job needs, and what all that wait need, up to half of the burst.
        select coalesce(least(min(waiting.cost) filter (where waiting.place = 1), p.burst), 1) as first,
            greatest(1, least(sum(waiting.cost), p.burst / 2)) as all
        from (
            select row_number() over () as place, next.cost
            from (
                select greatest(coalesce(j.cost, 1), 1) as cost from simple_queue.jobs j
                where p.step is not null and p.again is not null and p.free > p.taken
                    and j.gate = p.gate and j.held is null and j.run_at <= (select instant.t from instant)
                    and j.worker_id is null and j.id <> all (p.ids)
                order by j.priority, j.run_at, j.id
                limit least(greatest(1, p.burst / 2), 100)
            ) next
        ) waiting
    ) left_over
), made as (
    -- The only wait of the statement: for another one that inserts or deletes the same gate, in the order of their names.
    insert into simple_queue.gates (gate, rule, running, tat, step, wake_at)
    select seen.gate, :rule, seen.n, seen.tat, seen.step,
        case when seen.lacks_tokens and seen.free > seen.n and seen.again is not null then seen.next_at end
    from seen
    where seen.is_new and seen.n > 0
    order by seen.gate
    on conflict do nothing
    returning gate
), starting as (
    select picked.id from picked where not picked.is_new or picked.gate = any (array(select made.gate from made))
)
\ir dropped_turns.sql
, wakes as materialized (
    -- The turns of keys that lack tokens, and those that stand already.
    select seen.gate, seen.next_at as due_at, seen.wake_at > (select instant.t from instant) and seen.wake_at <= seen.next_at as stands
    from seen
    where seen.free > seen.n and seen.lacks_tokens and (seen.again is not null or seen.waiting)
        -- Only instead of a turn that was taken, and where a job has ended: others are still there.
        and (
            seen.waiting or seen.gate = any (array(select made.gate from made))
            or seen.gate = any (array(select taken_turns.gate from taken_turns))
            or seen.gate = any (array(select dropped_turns.gate from dropped_turns))
            or seen.gate = any (array(select freed.gate from freed))
        )
), settled as materialized (
    select seen.*,
        seen.free <= seen.n and (seen.waiting or (seen.again is not null and seen.before > 0)) as waits,
        case
            when wakes.gate is not null and wakes.stands is not true then wakes.due_at
            when seen.wake_at > (select instant.t from instant) then seen.wake_at
        end as wakes_at,
        -- Nothing is to be remembered of a key without jobs whose tokens have all been there long enough.
        seen.before + seen.n <= 0 and (
            seen.full_at is null
            or seen.full_at + make_interval(secs => seen.within - seen.least_within) <= (select instant.t from instant)
        ) as is_over
    from seen
    left join wakes on wakes.gate = seen.gate
    where not seen.is_new
), counted as (
    update simple_queue.gates g
    set running = s.before + s.n, waiting = s.waits, tat = s.tat, step = s.step,
        start_within = nullif(s.within, s.least_within), wake_at = s.wakes_at
    from settled s
    where g.gate = s.gate and not s.is_over
), dropped as (
    -- After `made`: another statement that waits for this deletion then waits for one that waits for nothing.
    delete from simple_queue.gates g
    where g.gate = any (array(
        select settled.gate from settled where settled.is_over
    )) and (select count(*) from made) >= 0
), letters as materialized (
    -- A gate that another process visits: it reads the release later.
    select freed.gate, null::timestamptz as due_at, freed.n as released, null::uuid as job_id from freed
    where freed.gate <> all (array(select locked.gate from locked))
    union all
    select wakes.gate, wakes.due_at, 0, null from wakes where wakes.stands is not true
    union all
    select seen.gate, case
            when seen.waiting or (seen.again <= (select instant.t from instant) and (select count(*) from picked) >= (select rest.n from rest)) then null
            else greatest(seen.again, (select instant.t + interval '50 ms' from instant))
        end, 0, null
    from seen
    where seen.free > seen.n and not seen.lacks_tokens and (seen.again is not null or seen.waiting)
        and (
            not seen.is_new or seen.gate = any (array(select made.gate from made))
            or seen.gate = any (array(select dropped_turns.gate from dropped_turns))
        )
)
