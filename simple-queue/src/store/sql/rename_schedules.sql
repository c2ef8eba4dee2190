-- rename_schedules
-- Gives the schedules that are declared under an earlier name of their job its present name, so that it does not run
-- under both.
with renamed as materialized (
    select s.name, new.name as present
    from unnest(:names::text[], :aliases::text[]) as new (name, alias)
    join simple_queue.schedules s on s.name = new.alias
    where s.declared_at is not null
        and not exists (select from simple_queue.schedules other where other.name = new.name)
    order by s.name collate "C"
    for update of s skip locked
)
update simple_queue.schedules s set name = renamed.present, updated_at = now()
from renamed
where s.name = renamed.name
