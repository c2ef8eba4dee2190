-- delete_dead_letters
-- Deletes dead letters. One that halts a sequence frees its place.
with deleted as (
    delete from simple_queue.dead_letters d
    where d.id = any (:ids::uuid[])
    returning d.id, d.gate
), leaving_places as (
    select deleted.id from deleted where deleted.gate like 'order:%'
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
)
\ir parts/turned.sql
select deleted.id, 'done' as outcome, (select count(*) from turned) as notified from deleted
