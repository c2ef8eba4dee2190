-- lock_dead_letters
-- As lock_jobs, among dead letters. Nothing changes a dead letter, so only its lease is compared.
with locked as materialized (
    select d.id, d.lease from simple_queue.dead_letters d
    where d.id = any (:ids::uuid[])
    order by d.id
    for update skip locked
)
select locked.id, locked.lease = asked.lease as is_same, false as is_running
from unnest(:ids::uuid[], :leases::bigint[]) as asked (id, lease)
join locked on locked.id = asked.id
