-- left_behind
-- Counts the places of the visited keys, and leaves turns where a job is left that may start.
--
-- A turn is consumed only where a later end or another turn leads back to the job: a key that stays full while a job of
-- it waits is marked, and the next end leaves a turn; a key with room left and a job that was not taken gets a turn. If
-- another transaction has locked that job, the turn is due a moment later, so that processes do not spin meanwhile. So is
-- that of a key without a gate, whose turns are then replaced.
--
-- needs: instant, rule, back, rest, dry, wanted, taken_turns, room; handed, picked (gate, id); :rule
-- gives: made (gate), the new gates; starting (id), the jobs to claim; dropped_turns (gate); letters (gate, due_at, released, job_id), the turns to write
, taken as materialized (
    select took.gate, array_agg(took.id) as ids
    from (
        select handed.gate, handed.id from handed
        union all
        select picked.gate, picked.id from picked
    ) took
    group by took.gate
), left_dry as materialized (
    select k.*, (
        \ir waits_at.sql
    ) as again
    from (
        select dry.*, coalesce(taken.ids, '{}') as ids from dry left join taken on taken.gate = dry.gate
    ) k
), seen as materialized (
    select k.*, (
        \ir waits_at.sql
    ) as again
    from (
        select room.gate, room.back, room.before, room.free, room.waiting, room.is_new,
            coalesce(taken.ids, '{}') as ids, coalesce(cardinality(taken.ids), 0) as n
        from room
        left join taken on taken.gate = room.gate
    ) k
), made as (
    -- The only wait of the statement: for another one that inserts or deletes the same gate, in the order of their names.
    insert into simple_queue.gates (gate, rule, running)
    select seen.gate, :rule, seen.n from seen
    where seen.is_new and seen.n > 0
    order by seen.gate
    on conflict do nothing
    returning gate
), starting as (
    select picked.id from picked where not picked.is_new or picked.gate = any (array(select made.gate from made))
    union all
    select handed.id from handed
)
\ir dropped_turns.sql
, counted as (
    update simple_queue.gates g set running = s.before + s.n, waiting = s.waits
    from (
        select seen.*, seen.free <= seen.n and (seen.waiting or (seen.again is not null and seen.before > 0)) as waits
        from seen
    ) s
    where not s.is_new and g.gate = s.gate and s.before + s.n > 0 and (s.back <> s.n or s.waiting <> s.waits)
), lowered as (
    update simple_queue.gates g set running = g.running - left_dry.n, waiting = false
    from left_dry
    where g.gate = left_dry.gate and left_dry.running > left_dry.n
), dropped as (
    -- After `made`: another statement that waits for this deletion then waits for one that waits for nothing.
    delete from simple_queue.gates g
    where g.gate = any (array(
        select left_dry.gate from left_dry where left_dry.running <= left_dry.n
        union all
        select seen.gate from seen where not seen.is_new and seen.before + seen.n <= 0
    )) and (select count(*) from made) >= 0
), letters as materialized (
    -- A gate that another process visits: it reads the release later.
    select back.gate, null::timestamptz as due_at, back.n as released, null::uuid as job_id from back
    where back.gate <> all (array(select dry.gate from dry))
    union all
    select left_dry.gate, case
            when left_dry.waiting or not :hands_over then null
            else greatest(left_dry.again, (select instant.t + interval '50 ms' from instant))
        end, 0, null
    from left_dry
    where left_dry.waiting or left_dry.again is not null
    union all
    select seen.gate, case
            when seen.waiting or (seen.again <= (select instant.t from instant) and (select count(*) from picked) >= (select rest.n from rest)) then null
            else greatest(seen.again, (select instant.t + interval '50 ms' from instant))
        end, 0, null
    from seen
    where seen.free > seen.n and (seen.again is not null or seen.waiting)
        -- Only instead of a turn that was taken: others are still there.
        and (
            seen.waiting or seen.gate = any (array(select made.gate from made))
            or seen.gate = any (array(select taken_turns.gate from taken_turns))
            or seen.gate = any (array(select dropped_turns.gate from dropped_turns))
        )
)
