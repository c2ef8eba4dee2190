-- claim_suspect
-- Claims one job that has killed processes, the one that is due for longest, of those that the caller may start. They
-- rest apart, so that no fetch claims more of them than may run, which is one at a time in a process.
with due as materialized (
    select array(
        select j.ctid from simple_queue.jobs j
        where j.held = '00000000-0000-0000-0000-000000000000' and j.gate is null and j.worker_id is null
            and j.run_at <= now()
            and exists (
                select from jsonb_to_recordset(:demand) as d (queue text, shares jsonb)
                cross join lateral jsonb_to_recordset(d.shares) as share (kinds text[], excluded text[])
                where d.queue = j.queue and case
                    when share.kinds is null then j.kind <> all (share.excluded)
                    else j.kind = any (share.kinds)
                end
            )
            and not exists (
                select from simple_queue.queues q where q.name = j.queue and q.paused_at is not null
            )
        order by j.run_at, j.id
        limit 1
        for update of j skip locked
    ) as ctids
)
\ir parts/worker.sql
\ir parts/claimed.sql
, said as (
    select jsonb_build_object('now', now(), 'finished', '[]'::jsonb) as said
)
\ir parts/answer.sql
