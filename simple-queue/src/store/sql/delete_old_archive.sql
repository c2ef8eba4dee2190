-- delete_old_archive
-- A bounded batch of a day that is too old but contains jobs with a longer retention: all but those.
with old as (
    select a.id, a.finished_at from simple_queue.archive a
    where a.finished_at >= :day::timestamp at time zone 'utc'
        and a.finished_at < (:day::timestamp + interval '1 day') at time zone 'utc'
        and a.keep_until is null
    limit :limit
    for update skip locked
)
delete from simple_queue.archive a using old
where a.id = old.id and a.finished_at = old.finished_at
