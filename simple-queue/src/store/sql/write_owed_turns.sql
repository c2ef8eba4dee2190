-- write_owed_turns
-- Writes a turn for each key of a limit that has jobs, after the limit was raised or resumed in an earlier transaction.
-- One index descent a key.
--
-- The limit may have changed once more since this statement's snapshot, which then lacks jobs that a visit under the number
-- before has passed over. So the turns are written off only if the version of the row that was locked is the one that the
-- snapshot has.
with owed as materialized (
    select l.name, l.xmin as version from simple_queue.limits l where l.name = :rule and l.turns_owed for update skip locked
), letters as materialized (
    with recursive key (gate) as (
        select (
            select j.gate from simple_queue.jobs j
            where j.gate > owed.name || '#' and j.gate < owed.name || '$' and j.held is null
            order by j.gate
            limit 1
        )
        from owed
        union all
        select (
            select j.gate from simple_queue.jobs j
            where j.gate > key.gate and j.gate < :rule || '$' and j.held is null
            order by j.gate
            limit 1
        )
        from key
        where key.gate is not null
    )
    select key.gate, null::timestamptz as due_at, 0 as released, null::uuid as job_id from key where key.gate is not null
)
\ir parts/turned.sql
, paid as (
    update simple_queue.limits l set turns_owed = false
    where l.name = any (array(
        select owed.name from owed
        join simple_queue.limits seen on seen.name = owed.name and seen.xmin = owed.version
    ))
)
select count(*) from letters where (select count(*) from turned) >= 0
