-- Makes the archive's partitions for yesterday, today and the days ahead that are missing.
--
-- Yesterday, because a transaction that began before midnight may still finish a job. A partition is
-- made apart and attached then, which does not keep readers and writers of the archive waiting, as
-- `create table … partition of` would. The lock, held to the end of the transaction, lets one process
-- at a time do it; the others find the work done.
create function simple_queue.ensure_archive_partitions(days_ahead integer) returns integer
language plpgsql as $$
declare
    first_day date := (now() at time zone 'utc')::date - 1;
    day date;
    partition text;
    made integer := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('simple_queue.ensure_archive_partitions', 0));
    for day in select first_day + n from generate_series(0, days_ahead + 1) n loop
        partition := 'archive_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('simple_queue.' || partition) is not null;
        execute format('create table simple_queue.%I (like simple_queue.archive including all)', partition);
        execute format(
            'alter table simple_queue.archive attach partition simple_queue.%I for values from (%L) to (%L)',
            partition,
            day::timestamp at time zone 'utc',
            (day + 1)::timestamp at time zone 'utc'
        );
        made := made + 1;
    end loop;
    return made;
end
$$;

comment on function simple_queue.ensure_archive_partitions is 'Makes the partitions of the archive that are missing, up to so many days ahead; returns how many it made.';

select simple_queue.ensure_archive_partitions(7);
