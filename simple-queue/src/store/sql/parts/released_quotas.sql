-- released_quotas
-- Deletes the quotas of processes whose rows this statement deletes, and takes their permits back. No quota can appear
-- meanwhile: that needs the row of its process.
--
-- needs: deleted (id), the processes
-- gives: released, to be counted: Postgres does not run a part that nothing reads
, quotas as materialized (
    select s.limit_name from simple_queue.quotas s
    where s.worker_id = any (array(select deleted.id from deleted))
), locked as materialized (
    select l.name from simple_queue.limits l
    where l.name = any (array(select quotas.limit_name from quotas))
    order by l.name collate "C"
    for update
), gone as (
    delete from simple_queue.quotas s
    where s.worker_id = any (array(select deleted.id from deleted))
    returning s.limit_name, s.held, s.wanted
), sums as (
    select gone.limit_name, sum(gone.held)::integer as held,
        count(*) filter (where gone.wanted > 0)::integer as wanting
    from gone
    -- The limits are locked first, in the order of their names.
    where gone.limit_name = any (array(select locked.name from locked))
    group by gone.limit_name
), released as (
    update simple_queue.limits l
    set lent = l.lent - sums.held, wanting = l.wanting - sums.wanting
    from sums
    where l.name = sums.limit_name
    returning pg_notify(:channel, 'limit ' || l.name)
)
