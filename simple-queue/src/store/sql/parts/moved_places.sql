-- moved_places
-- The places of sequences that these jobs keep while they wait for a retry, or are dead, become free now. A place that a
-- visit is reading is left to it.
--
-- needs: leaving_places (id), the jobs
-- gives: moved (gate, due_at, released, job_id)
, read_places as (
    delete from simple_queue.turns t
    where t.ctid = any (array(
        select turn.ctid from leaving_places
        cross join lateral (
            select t.ctid from simple_queue.turns t where t.job_id = leaving_places.id limit 1 for update skip locked
        ) turn
    ))
    returning t.gate, t.released
), moved as (
    select read_places.gate, null::timestamptz as due_at, read_places.released, null::uuid as job_id from read_places
)
