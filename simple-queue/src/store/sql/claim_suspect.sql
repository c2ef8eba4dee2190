-- claim_suspect
-- Claims one job that has killed processes, the one that is due for longest, of those that the caller may start. They
-- rest apart, so that no fetch claims more of them than may run, which is one at a time in a process. With $3 only that
-- one.
with worker as materialized (
    -- A claim needs the process's own row and keeps it from being taken for dead meanwhile.
    select id from simple_queue.workers where id = $2 for key share
), due as materialized (
    select array(
        select j.ctid
\ir parts/suspects.sql
            and j.id = coalesce($3, j.id)
        order by j.run_at, j.id
        limit 1
        for update of j skip locked
    ) as ctids
)
\ir parts/claimed.sql
select claimed.*, null::jsonb as said from claimed
union all
select null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
    jsonb_build_object('now', now(), 'finished', '[]'::jsonb)
