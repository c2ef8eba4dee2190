-- suspects
-- Due jobs that have killed processes and that the caller may start, except those in :except. They rest apart from all
-- others.
--
-- needs: :demand, as parts/demand.sql reads it; :except, ids
-- gives: from and where: j, the rows of jobs; a further condition may follow
from simple_queue.jobs j
where j.held = '00000000-0000-0000-0000-000000000000' and j.gate is null and j.worker_id is null
    and j.run_at <= now() and j.id <> all (:except::uuid[])
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
