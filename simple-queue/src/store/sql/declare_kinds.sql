-- declare_kinds
-- Writes the kinds that a worker has registered, and returns those that it has written. Of two versions the later stays:
-- its code may not run everywhere yet. A row that another transaction has locked is left out, because the heartbeat
-- must not wait for it.
with declared as materialized (
    select d.kind, d.queue, d.version, d.arguments, d.options, d.declared_in
    from jsonb_to_recordset(:kinds) as d (
        kind text, queue text, version integer, arguments jsonb, options jsonb, declared_in text
    )
), free as materialized (
    select k.kind from simple_queue.kinds k
    where k.kind = any (array(select declared.kind from declared))
    order by k.kind collate "C"
    for no key update skip locked
)
insert into simple_queue.kinds (kind, queue, version, arguments, options, declared_in)
select d.kind, d.queue, d.version, d.arguments, d.options, d.declared_in
from declared d
where d.kind in (select free.kind from free)
    or not exists (select from simple_queue.kinds k where k.kind = d.kind)
order by d.kind collate "C"
on conflict (kind) do update
set declared_at = now(),
    (queue, version, arguments, options, declared_in, updated_at) = (
        select case when changed then excluded.queue else kinds.queue end,
            case when changed then excluded.version else kinds.version end,
            case when changed then excluded.arguments else kinds.arguments end,
            case when changed then excluded.options else kinds.options end,
            case when changed then excluded.declared_in else kinds.declared_in end,
            case when changed then now() else kinds.updated_at end
        from (
            select excluded.version >= kinds.version
                and (excluded.queue, excluded.version, excluded.arguments, excluded.options, excluded.declared_in)
                    is distinct from
                    (kinds.queue, kinds.version, kinds.arguments, kinds.options, kinds.declared_in) as changed
        ) c
    )
returning kind
