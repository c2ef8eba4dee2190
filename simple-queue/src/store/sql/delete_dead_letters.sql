-- delete_dead_letters
-- A bounded bite, so that a long-neglected table never makes a long transaction.
with old as (
    select d.id from simple_queue.dead_letters d
    where d.finished_at < now() - least($1::interval, interval '4000 years')
    order by d.finished_at
    limit $2
    for update skip locked
)
delete from simple_queue.dead_letters d using old where d.id = old.id
