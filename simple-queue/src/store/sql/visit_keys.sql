-- visit_keys
-- Claims the next jobs of keys that share a queue fairly, at most :permits: each key that has a turn gets as many as its
-- weight in a round, whatever waits of it. There is no limit, so nothing is counted, and no gate has a row.
--
-- A round goes by the names of the keys, from :after on. Where the permits ended within the share of a key, the next
-- visit goes on there: :begun_key has got :begun jobs of this round. Where they suffice for more rounds, one visit makes
-- them.
with nothing as (select)
\ir parts/worker.sql
, instant as materialized (
    select clock_timestamp() as t
)
\ir parts/delayed.sql
, rule as materialized (
    select l.paused_at is not null
            or exists (select from simple_queue.queues q where q.name = :queue and q.paused_at is not null) as is_paused,
        l.turns_owed
    from worker
    cross join simple_queue.limits l
    where l.name = :rule
), rest as materialized (
    select coalesce(max(case when not rule.is_paused then :permits::bigint end), 0) as n
    from rule
)
\ir parts/ring.sql
, weights as materialized (
    select ring.gate, case when k.paused_at is null then coalesce(k.weight, 1) else 0 end as weight
    from ring
    left join simple_queue.limit_keys k on k.gate = ring.gate
), shares as materialized (
    select s.gate, s.n, sum(s.n) over (order by s.gate) - s.n as before
    from (
        select weights.gate, case
                when weights.weight = 0 then 0
                when weights.gate = :begun_key then greatest(1, weights.weight * rounds.n - :begun::integer)
                else weights.weight * rounds.n
            end as n
        from weights
        cross join (
            -- Only a visit that sees all keys can tell how many rounds the permits are for.
            select case when :after = '' and :begun_key = '' then
                    greatest(1, floor(max(rest.n) / nullif(sum(weights.weight), 0)))::bigint
                else 1
            end as n
            from rest, weights
        ) rounds
    ) s
), wanted as materialized (
    select shares.gate, shares.n as whole, least(shares.n, rest.n - shares.before) as n
    from shares
    cross join rest
    where shares.before < rest.n
), taken_turns as (
    -- Turns that have become due take their place in the round.
    delete from simple_queue.turns t
    where t.ctid = any (array(
        select turn.ctid
        from (
            select wanted.gate from wanted
            union
            select later.gate from later
        ) k
        cross join lateral (
            select t.ctid from simple_queue.turns t
            where t.rule = :rule and t.gate = k.gate
                and (t.due_at is null or t.due_at <= (select instant.t from instant))
            limit 1000
            for update skip locked
        ) turn
    ))
    returning t.gate
), picked as materialized (
    select k.gate, next.id
    from wanted k
    cross join lateral (
        \ir parts/next_of_key.sql
    ) next
), starting as (
    select picked.id from picked
)
\ir parts/claimed_of_keys.sql
, seen as materialized (
    select k.*, (
        \ir parts/waits_at.sql
    ) as again
    from (
        select wanted.gate, wanted.n, wanted.whole, coalesce(taken.ids, '{}') as ids
        from wanted
        left join (
            select picked.gate, array_agg(picked.id) as ids from picked group by picked.gate
        ) taken on taken.gate = wanted.gate
    ) k
), letters as materialized (
    select seen.gate, case
            when seen.again <= (select instant.t from instant) and cardinality(seen.ids) >= seen.n then null
            -- Another transaction has locked the job, or it becomes due in a moment.
            else greatest(seen.again, (select instant.t + interval '50 ms' from instant))
        end as due_at, 0 as released, null::uuid as job_id
    from seen
    where seen.again is not null and seen.n > 0
    union all
    select later.gate, null, 0, null from later
    where later.gate <> all (array(select wanted.gate from wanted))
    group by later.gate
)
\ir parts/turned.sql
, ended as materialized (
    -- The last key of this visit, and whether its share is not used up.
    select seen.gate, cardinality(seen.ids) as n, seen.n < seen.whole and cardinality(seen.ids) >= seen.n as goes_on
    from seen
    order by seen.gate desc
    limit 1
), summary as (
    select jsonb_build_object(
        'now', now(),
        'completed', array[]::uuid[],
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
        'has_more', exists (select from letters where letters.due_at is null),
        'last', (
            select case when ended.goes_on then
                    coalesce((select max(seen.gate) from seen where seen.gate < ended.gate), :after)
                else ended.gate
            end
            from ended
            where (select count(*) from picked) >= (select rest.n from rest)
                or (select count(*) from ring) >= (select rest.n from rest)
        ),
        'begun', (
            select jsonb_build_object(
                'key', ended.gate,
                'jobs', ended.n + case when ended.gate = :begun_key then :begun::integer else 0 end
            )
            from ended
            where ended.goes_on
        ),
        'taken', (select count(*) from taken_turns),
        'skipped', 0,
        'turns_owed', coalesce((select rule.turns_owed from rule), false),
        'is_declared', exists (select from simple_queue.limits l where l.name = :rule),
        'notified', (select count(*) from turned)
    ) as summary
    from instant
)
\ir parts/answer.sql
