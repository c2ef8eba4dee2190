-- The functions of the queue. Applied again whenever they differ from what the schema has, after the tables.
--
-- `simple_queue.` stands for the schema the queue was built with; the library writes the chosen name in its
-- place.

-- Makes the archive's partitions for yesterday, today and the days ahead that are missing.
--
-- Yesterday, because a transaction that began before midnight may still finish a job. A partition is
-- made apart and attached then, which does not keep readers and writers of the archive waiting, as
-- `create table … partition of` would. The lock, held to the end of the transaction, lets one process
-- at a time do it; the others find the work done.
create or replace function simple_queue.ensure_archive_partitions(days_ahead integer) returns integer
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

create or replace function simple_queue.check_bytes(what text, name text, most integer) returns void
language plpgsql immutable as $$
begin
    if octet_length(name) not between 1 and most then
        raise exception 'the % has % bytes; it must have 1 to %', what, octet_length(name), most
            using errcode = 'invalid_parameter_value';
    end if;
end
$$;

comment on function simple_queue.check_bytes is 'Refuses a name that is empty or longer than the library takes; null passes.';

-- Enqueues a job from any language or driver, in the caller's transaction.
--
-- Does what the Rust call does. `kind` is the name of the `#[job]`, or empty for a plain handler; the key
-- of a `#[job]` begins with its kind: 'send_welcome:welcome:42'. `on_conflict` says what becomes of it
-- where a live job has its unique key: 'ignore', 'replace', 'reschedule' or 'error'. The id is made here: an id is
-- used once, and this takes none.
create or replace function simple_queue.enqueue(
    queue        text,
    kind         text,
    job_data     jsonb,
    run_at       timestamptz default null,
    priority     integer     default 0,
    max_attempts integer     default null,
    unique_key   text        default null,
    fingerprint  text        default null,
    expires_at   timestamptz default null,
    tags         text[]      default null,
    version      integer     default 1,
    retain       interval    default null,
    on_conflict  text        default 'ignore'
) returns table (id uuid, outcome text)
language plpgsql as $$
#variable_conflict use_variable
declare
    -- A UUID of version 7: 48 bits of milliseconds, then the version, then random bits. The
    -- database's own uuidv7() came with PostgreSQL 18.
    new_id uuid := encode(
        set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid())
            placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
            from 1 for 6
        ), 52, 1), 53, 1),
        'hex'
    )::uuid;
begin
    if on_conflict is null or on_conflict not in ('ignore', 'replace', 'reschedule', 'error') then
        raise exception 'unknown on_conflict "%"', on_conflict
            using errcode = 'invalid_parameter_value',
                hint = 'Write ''ignore'', ''replace'', ''reschedule'' or ''error''.';
    end if;
    perform simple_queue.check_bytes('queue', queue, 63);
    perform simple_queue.check_bytes('unique key', unique_key, 512);
    perform simple_queue.check_bytes('fingerprint', fingerprint, 512);
    if max_attempts < 1 then
        raise exception 'a job needs at least one attempt, not %', max_attempts
            using errcode = 'invalid_parameter_value';
    end if;
    outcome := 'inserted';
    loop
        insert into simple_queue.jobs as j (
            id, queue, kind, job_data, run_at, scheduled_at, priority, max_attempts, unique_key,
            fingerprint, expires_at, tags, version, retain
        )
        values (
            new_id, queue, kind, job_data, greatest(now(), run_at), run_at, priority, max_attempts,
            unique_key, fingerprint, expires_at, tags, version, retain
        )
        on conflict do nothing;
        id := new_id;
        exit when found;
        if on_conflict = 'replace' then
            outcome := 'replaced';
            update simple_queue.jobs j
            set queue = enqueue.queue, kind = enqueue.kind, job_data = enqueue.job_data,
                run_at = greatest(now(), enqueue.run_at), scheduled_at = enqueue.run_at,
                priority = enqueue.priority, max_attempts = enqueue.max_attempts,
                fingerprint = enqueue.fingerprint, expires_at = enqueue.expires_at,
                tags = enqueue.tags, version = enqueue.version, retain = enqueue.retain,
                attempt = 0, reprocess_count = 0, crash_count = 0, errors = null, updated_at = now()
            where j.unique_key = enqueue.unique_key and j.worker_id is null
            returning j.id into id;
            exit when found;
        elsif on_conflict = 'reschedule' then
            outcome := 'rescheduled';
            update simple_queue.jobs j
            set run_at = greatest(now(), j.run_at, enqueue.run_at),
                scheduled_at = greatest(j.scheduled_at, enqueue.run_at),
                expires_at = j.expires_at + (greatest(now(), j.run_at, enqueue.run_at) - j.run_at),
                updated_at = now()
            where j.unique_key = enqueue.unique_key and j.worker_id is null
            returning j.id into id;
            exit when found;
        end if;
        outcome := 'duplicate';
        select j.id into id from simple_queue.jobs j where j.unique_key = enqueue.unique_key;
        if found and on_conflict = 'error' then
            raise exception 'job % has the unique key "%" already', id, unique_key
                using errcode = 'unique_violation';
        end if;
        exit when found;
        -- The holder of the key ended between the statements; now the insert succeeds.
        outcome := 'inserted';
    end loop;
    if outcome in ('inserted', 'replaced') then
        perform pg_notify('simple_queue.jobs', 'queue ' || queue)
        where exists (select from simple_queue.workers w where w.idle);
    end if;
    return next;
end
$$;

comment on function simple_queue.enqueue is 'Enqueues a job; returns its id, or that of the live job that has its unique key, and what became of it: inserted, duplicate, replaced or rescheduled. The id is new each time; an id is used once.';

select simple_queue.ensure_archive_partitions(7);
