-- delete_expired
-- A bounded batch of each kind of history, so that a long-neglected table never makes a long transaction. Jobs with a
-- retention of their own are deleted when it has passed, other dead letters when they are too old, and kept keys when
-- their time is over.
with archived as (
    select a.id, a.finished_at from simple_queue.archive a
    where a.keep_until <= now()
    order by a.keep_until
    limit :limit
    for update skip locked
), old as (
    select d.id from simple_queue.dead_letters d
    where d.finished_at < now() - least(:keep::interval, interval '4000 years') and d.keep_until is null
    order by d.finished_at
    limit :limit
    for update skip locked
), expired as (
    select d.id from simple_queue.dead_letters d
    where d.keep_until <= now()
    order by d.keep_until
    limit :limit
    for update skip locked
), over as (
    select k.unique_key from simple_queue.kept_keys k
    where k.kept_until <= now()
    order by k.kept_until
    limit :limit
    for update skip locked
), archive_deleted as (
    delete from simple_queue.archive a using archived
    where a.id = archived.id and a.finished_at = archived.finished_at
    returning a.id
), dead_letters_deleted as (
    delete from simple_queue.dead_letters d
    where d.id = any (array(select old.id from old union all select expired.id from expired limit :limit))
    returning d.id, d.gate
)
, leaving_places as (
    -- What halted a sequence is gone.
    select dead_letters_deleted.id from dead_letters_deleted where dead_letters_deleted.gate like 'order:%'
)
\ir parts/moved_places.sql
, letters as (
    select moved.* from moved
)
\ir parts/turned.sql
, keys_deleted as (
    delete from simple_queue.kept_keys k
    where k.unique_key = any (array(select over.unique_key from over))
    returning k.unique_key
)
select (select count(*) from archive_deleted) as archived,
    (select count(*) from dead_letters_deleted) as dead_letters,
    (select count(*) from keys_deleted) as kept_keys, (select count(*) from turned) as notified
