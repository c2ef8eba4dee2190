-- delete_expired_archive
-- A bounded bite of those jobs in the archive that were kept for a time of their own, which is over.
with expired as (
    select a.id, a.finished_at from simple_queue.archive a
    where a.keep_until <= now()
    order by a.keep_until
    limit $1
    for update skip locked
)
delete from simple_queue.archive a using expired
where a.id = expired.id and a.finished_at = expired.finished_at
