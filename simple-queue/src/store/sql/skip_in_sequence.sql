-- skip_in_sequence
-- The place of the dead job that halts a sequence becomes free.
with leaving_places as (
    select t.job_id as id from simple_queue.turns t
    where t.rule = split_part(:gate, '#', 1) and t.due_at = 'infinity' and t.gate = :gate
    limit 1
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
)
\ir parts/turned.sql
select letters.gate, (select count(*) from turned) as notified from letters
