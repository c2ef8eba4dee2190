-- look_for_turns
-- Says of which of these limits for each key a visit has something to do, and in how many seconds the next turn of one of
-- them is due. It costs a small part of a visit, and needs no permit.
select coalesce(array_agg(looked.rule) filter (where looked.has_turns), '{}') as rules,
    extract(epoch from min(looked.next_at) - now())::double precision as wait
from (
    select asked.rule,
        l.name is null or l.turns_owed
        or exists (select from simple_queue.turns t where t.rule = asked.rule and t.due_at is null)
        or exists (select from simple_queue.turns t where t.rule = asked.rule and t.due_at <= now())
        or l.after_failure = 'drop' and exists (
            select from simple_queue.turns t where t.rule = asked.rule and t.due_at = 'infinity'
        ) as has_turns,
        (
            select t.due_at from simple_queue.turns t
            where t.rule = asked.rule and t.due_at > now() and t.due_at < 'infinity'
            order by t.due_at
            limit 1
        ) as next_at
    from unnest(:rules::text[]) as asked (rule)
    left join simple_queue.limits l on l.name = asked.rule
) looked
