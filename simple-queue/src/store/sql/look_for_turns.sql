-- look_for_turns
-- Says of which of these limits for each key a visit has something to do, and in how many seconds the next turn of the
-- others is due. It costs a small part of a visit, and needs no permit.
select
    coalesce(array_agg(asked.rule) filter (
        where l.name is null or l.turns_owed or at_once.gate is not null or first.due_at <= now()
            or l.after_failure = 'drop' and last.due_at = 'infinity'
    ), '{}') as rules,
    extract(epoch from min(first.due_at) filter (
        where first.due_at > now() and first.due_at < 'infinity'
    ) - now())::double precision as wait
from unnest(:rules::text[]) as asked (rule)
left join simple_queue.limits l on l.name = asked.rule
left join lateral (
    select t.gate from simple_queue.turns t where t.rule = asked.rule and t.due_at is null
    order by t.gate limit 1
) at_once on true
left join lateral (
    select t.due_at from simple_queue.turns t where t.rule = asked.rule and t.due_at is not null
    order by t.due_at limit 1
) first on true
left join lateral (
    select t.due_at from simple_queue.turns t where t.rule = asked.rule and t.due_at is not null
    order by t.due_at desc limit 1
) last on true
