-- visit_summary
-- What a visit says beside the jobs: `wait`, the seconds until the next turn; `visited`, how many keys were visited;
-- `has_more`, whether more turns have become due; `last`, the last gate of the ring that had its turn, null: all had it, or
-- none; `taken`, how many turns were consumed; `skipped`, how many keys were left to other processes; `turns_owed`, whether
-- turns are to be written for a limit that was raised; `drops_owed`, whether jobs behind a failed one are to be cancelled.
--
-- needs: instant, rule, rest, ring, later, wanted, taken_turns, room, picked, seen, made, dropped_turns, letters, turned,
--     completed; :rule
-- gives: summary (summary), one row
, summary as (
    select jsonb_build_object(
        'now', now(),
        'completed', array(select completed.id from completed),
        'wait', extract(epoch from least(
            (
                select t.due_at from simple_queue.turns t
                where t.rule = :rule and t.due_at > (select instant.t from instant) and t.due_at < 'infinity'
                order by t.due_at
                limit 1
            ),
            (select min(letters.due_at) from letters)
        ) - instant.t)::double precision,
        'visited', (select count(*) from wanted),
        'has_more', exists (select from rest where rest.n > 0 and (select count(*) from later) >= least(64, rest.n)),
        'last', (
            -- Keys behind the last one that got a permit have not had their turn.
            select case when (select count(*) from picked) >= rest.n then (
                    select max(picked.gate) from picked where picked.gate = any (array(select ring.gate from ring))
                )
                when (select count(ring.gate) from ring) >= rest.n then (select max(ring.gate) from ring)
            end
            from rest
        ),
        'taken', (select count(*) from taken_turns) + (select count(*) from dropped_turns),
        -- Gates that another process visits or makes at this moment.
        'skipped', (select count(*) from wanted) - (select count(*) from room) + (
            select count(*) from seen
            where seen.is_new and seen.n > 0 and seen.gate <> all (array(select made.gate from made))
        ),
        'turns_owed', coalesce((select rule.turns_owed from rule), false),
        'drops_owed', exists (
            select from rule
            where rule.drops and exists (
                select from simple_queue.turns t where t.rule = :rule and t.due_at = 'infinity'
            )
        ),
        'is_declared', exists (select from simple_queue.limits l where l.name = :rule),
        'notified', (select count(*) from turned)
    ) as summary
    from instant
)
