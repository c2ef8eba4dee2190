-- delete_dead_letters
-- A bounded bite, so that a long-neglected table never makes a long transaction. Those that are kept for
-- a time of their own go when it is over, the others when they are too old.
with old as (
    select d.id from simple_queue.dead_letters d
    where d.finished_at < now() - least($1::interval, interval '4000 years') and d.keep_until is null
    order by d.finished_at
    limit $2
    for update skip locked
), expired as (
    select d.id from simple_queue.dead_letters d
    where d.keep_until <= now()
    order by d.keep_until
    limit $2
    for update skip locked
)
delete from simple_queue.dead_letters d
where d.id = any (array(select old.id from old union all select expired.id from expired limit $2))
