-- The functions of the queue. Every newer release applies them again, after the tables.
--
-- `simple_queue.` is a placeholder for the queue's schema; the library writes the chosen name in its place. A function
-- whose parameters change must be dropped first; its grants are dropped with it.
--
-- Every function sets its search path, so that names do not resolve to objects of other users of the database. A role
-- that owns nothing works only through the `security definer` functions, which check their arguments.

-- Creates the archive's missing partitions for yesterday, today and the days ahead.
--
-- Yesterday, because a transaction that began before midnight may still finish a job. A partition is created apart and
-- then attached, which does not block readers and writers of the archive. The faster `create table … partition of`
-- would; it is used while the archive is new. The lock, held to the end of the transaction, lets one process at a time
-- do it; the others find the work done. Taking it requires a right on the archive.
create or replace function simple_queue.ensure_archive_partitions(days_ahead integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
as $$
declare
    first_day date := (now() at time zone 'utc')::date - 1;
    is_new boolean;
    day date;
    partition text;
    bounds text;
    made integer := 0;
begin
    if days_ahead is null or days_ahead not between 0 and 366 then
        raise exception 'partitions cannot be created % days ahead: the limit is 0 to 366', coalesce(days_ahead::text, 'null')
            using errcode = 'invalid_parameter_value';
    end if;
    if not exists (select from simple_queue.list_missing_days(first_day, days_ahead + 2)) then
        return 0;
    end if;
    lock table simple_queue.archive in share update exclusive mode;
    is_new := not exists (select from pg_inherits i where i.inhparent = 'simple_queue.archive'::regclass);
    if is_new then
        begin
            lock table simple_queue.archive in access exclusive mode nowait;
        exception when lock_not_available then
            is_new := false;
        end;
    end if;
    for day in select missing from simple_queue.list_missing_days(first_day, days_ahead + 2) missing loop
        partition := simple_queue.name_of_day(day);
        if to_regclass('simple_queue.' || partition) is not null then
            raise warning 'the table % is in the way of a partition of the archive', partition
                using hint = 'Rename it, or attach it to the archive: jobs of its day cannot be finished.';
            continue;
        end if;
        bounds := format(
            'for values from (%L) to (%L)',
            (day::timestamp at time zone 'utc')::text, ((day + 1)::timestamp at time zone 'utc')::text
        );
        if is_new then
            execute format('create table simple_queue.%I partition of simple_queue.archive %s', partition, bounds);
        else
            execute format(
                'create table simple_queue.%I (like simple_queue.archive including all excluding comments)', partition
            );
            execute format('alter table simple_queue.archive attach partition simple_queue.%I %s', partition, bounds);
        end if;
        made := made + 1;
    end loop;
    return made;
end
$$;

comment on function simple_queue.ensure_archive_partitions is 'Creates the missing partitions of the archive, up to this many days ahead; returns how many.';

create or replace function simple_queue.name_of_day(day date) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 'archive_' || to_char(day::timestamp, 'YYYYMMDD')
$$;

comment on function simple_queue.name_of_day is 'The partition of the archive for a day.';

create or replace function simple_queue.list_missing_days(first_day date, days integer) returns setof date
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select first_day + n
    from generate_series(0, days - 1) n
    where not exists (
        select from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'simple_queue.archive'::regclass
            and c.relname = simple_queue.name_of_day(first_day + n)::name
    )
    order by 1
$$;

comment on function simple_queue.list_missing_days is 'Which of these days have no partition in the archive.';

-- Drops a day of the archive with all its rows; false if it does not exist, or contains jobs with a longer retention.
--
-- Its lock blocks all other users of the archive, so it waits only 0.1 s for it: while a transaction that has read the
-- archive is open the call fails, and is repeated another time. Today and yesterday are always refused.
create or replace function simple_queue.drop_archive_day(day date) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    partition text := simple_queue.name_of_day(day);
    is_kept boolean;
begin
    if day is null or day >= (now() at time zone 'utc')::date - 1 then
        raise exception 'the day % cannot be dropped: the limit is the day before yesterday', coalesce(day::text, 'null')
            using errcode = 'invalid_parameter_value';
    end if;
    if not exists (
        select from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'simple_queue.archive'::regclass and c.relname = partition::name
    ) then
        return false;
    end if;
    execute format('select exists (select from simple_queue.%I where keep_until > now())', partition) into is_kept;
    if is_kept then
        return false;
    end if;
    execute format('drop table simple_queue.%I', partition);
    return true;
end
$$;

comment on function simple_queue.drop_archive_day is 'Drops a day of the archive that is older than yesterday and contains no job with a longer retention; returns whether it did.';

create or replace function simple_queue.refuse(what text, value text, problem text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the % % is refused: %', what,
        case
            when value is null then 'null'
            when length(value) > 80 then '"' || left(value, 80) || '…"'
            else '"' || value || '"'
        end,
        problem
        using errcode = 'invalid_parameter_value';
end
$$;

comment on function simple_queue.refuse is 'Raises an error with the name of the value, the value and the limit.';

create or replace function simple_queue.check_bytes(what text, name text, fewest integer, most integer) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if octet_length(name) not between fewest and most then
        perform simple_queue.refuse(
            what, name, format('it has %s bytes; the limit is %s to %s', octet_length(name)::text, fewest::text, most::text)
        );
    end if;
end
$$;

comment on function simple_queue.check_bytes is 'Refuses a text that is too short or too long; null passes.';

create or replace function simple_queue.check_time(what text, value timestamptz) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if value not between timestamptz '0001-01-01 00:00+00' and timestamptz '20000-01-01 00:00+00' then
        perform simple_queue.refuse(what, value::text, 'the limit is the year 1 to the year 20000');
    end if;
end
$$;

comment on function simple_queue.check_time is 'Refuses a time that a worker could not read; null passes.';

create or replace function simple_queue.check_span(what text, value interval) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if value not between interval '0' and interval '3650000 days' then
        perform simple_queue.refuse(what, value::text, 'the limit is 0 to 3650000 days');
    end if;
end
$$;

comment on function simple_queue.check_span is 'Refuses a duration that cannot be added to the current time; null passes.';

-- The size in memory is checked first, so that a value that is much too large is not written out as text.
create or replace function simple_queue.check_json(what text, value jsonb, most integer) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if pg_column_size(value) > 8 * most then
        perform simple_queue.refuse(
            what, '…', format('it takes %s bytes; the limit is %s bytes of text', pg_column_size(value)::text, most::text)
        );
    end if;
    if octet_length(value::text) > most then
        perform simple_queue.refuse(
            what, value::text,
            format('it has %s bytes as text; the limit is %s', octet_length(value::text)::text, most::text)
        );
    end if;
end
$$;

comment on function simple_queue.check_json is 'Refuses a JSON value that is too large; null passes.';

create or replace function simple_queue.check_tags(tags text[]) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    tag text;
begin
    if array_ndims(tags) > 1 or cardinality(tags) > 100 then
        perform simple_queue.refuse(
            'list of tags', left(array_to_string(tags, ','), 80),
            format('it has %s tags; the limit is 100 in one dimension', cardinality(tags)::text)
        );
    end if;
    foreach tag in array coalesce(tags, '{}'::text[]) loop
        if tag is null then
            perform simple_queue.refuse('tag', null, 'it has to be a text');
        end if;
        perform simple_queue.check_bytes('tag', tag, 1, 512);
    end loop;
end
$$;

comment on function simple_queue.check_tags is 'Refuses tags that are too many or too long; null passes.';

-- Inserts a job after checking all its values. A given id makes the call repeatable: with `repeated`, an existing or
-- finished job with this id is the one of an earlier call.
create or replace function simple_queue.put(
    known_id     uuid,
    repeated     boolean,
    queue        text,
    kind         text,
    job_data     jsonb,
    run_at       timestamptz,
    priority     integer,
    max_attempts integer,
    unique_key   text,
    fingerprint  text,
    expires_at   timestamptz,
    tags         text[],
    version      integer,
    retain       interval,
    on_conflict  text,
    timeout      interval,
    metadata     jsonb,
    unique_for   interval,
    unique_while text,
    limit_key    text,
    gate         text,
    cost         integer
) returns table (id uuid, outcome text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    -- A UUID of version 7: 48 bits of milliseconds, then the version, then random bits. The database has a uuidv7() of
    -- its own only since PostgreSQL 18.
    new_id uuid := coalesce(known_id, encode(
        set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid())
            placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
            from 1 for 6
        ), 52, 1), 53, 1),
        'hex'
    )::uuid);
    -- The job that keeps the key, whether it has ended or not.
    keeper uuid;
    -- The limit that holds for each key of these jobs.
    rule text;
    -- How many tokens of its rate a job may take at most; null: it has no rate.
    most_cost integer;
    -- Its jobs say how many they take.
    has_costs boolean;
begin
    if on_conflict is null or on_conflict not in ('ignore', 'replace', 'reschedule', 'error') then
        perform simple_queue.refuse(
            'on_conflict', on_conflict, 'the limit is ''ignore'', ''replace'', ''reschedule'' or ''error'''
        );
    end if;
    if (queue collate "C" ~ '^[a-z0-9_.-]{1,63}$') is not true then
        perform simple_queue.refuse(
            'queue', queue, 'queue names may only use a-z, 0-9, `_`, `-` and `.` (1 to 63 characters)'
        );
    end if;
    if kind is null or job_data is null or version is null or priority is null then
        perform simple_queue.refuse(
            case when kind is null then 'kind' when job_data is null then 'payload' when version is null then 'version' else 'priority' end,
            null, 'it has to have a value; the kind of a plain handler is '''''
        );
    end if;
    perform simple_queue.check_bytes('kind', kind, 0, 512);
    -- Twice the library's limit. The library measures the same value without the database's spaces.
    perform simple_queue.check_json('payload', job_data, 2097152);
    perform simple_queue.check_time('run_at', run_at);
    if priority not between -32768 and 32767 then
        perform simple_queue.refuse('priority', priority::text, 'the limit is -32768 to 32767');
    end if;
    if max_attempts < 1 then
        perform simple_queue.refuse('max_attempts', max_attempts::text, 'a job needs at least one attempt');
    end if;
    if version < 1 then
        perform simple_queue.refuse('version', version::text, 'the limit is 1 to 2147483647');
    end if;
    perform simple_queue.check_bytes('unique key', unique_key, 1, 512);
    perform simple_queue.check_bytes('fingerprint', fingerprint, 1, 512);
    perform simple_queue.check_time('expires_at', expires_at);
    perform simple_queue.check_tags(tags);
    perform simple_queue.check_span('retain', retain);
    perform simple_queue.check_span('timeout', timeout);
    if timeout = interval '0' then
        perform simple_queue.refuse('timeout', timeout::text, 'an attempt needs some time');
    end if;
    -- As for the payload, twice what the library takes.
    perform simple_queue.check_json('metadata', metadata, 131072);
    if jsonb_typeof(metadata) <> 'object' then
        perform simple_queue.refuse('metadata', left(metadata::text, 80), 'it has to be an object');
    end if;
    if unique_for <= interval '0' or unique_for > interval '3650 days' then
        perform simple_queue.refuse('unique_for', unique_for::text, 'the limit is more than 0, up to 3650 days');
    end if;
    if unique_for is not null and unique_key is null then
        perform simple_queue.refuse('unique_for', unique_for::text, 'it needs a unique key');
    end if;
    if unique_while is null or unique_while not in ('running', 'pending') then
        perform simple_queue.refuse('unique_while', unique_while, 'the limit is ''running'' or ''pending''');
    end if;
    -- The library writes the gate itself. A job without a key would pass by the limit.
    select l.name, (l.rate ->> 'burst')::integer, coalesce((l.rate ->> 'costs')::boolean, false)
    into rule, most_cost, has_costs from simple_queue.limits l
    where l.name in (format('key:%s/%s', queue, kind), format('order:%s/%s', queue, kind), format('fair:%s/%s', queue, kind));
    if gate is null and limit_key is not null and rule is null then
        perform simple_queue.refuse(
            'limit_key', limit_key, format('no worker has declared a limit for each key of the kind "%s" in the queue "%s"', kind, queue)
        );
    elsif gate is null and limit_key is null and rule is not null then
        perform simple_queue.refuse(
            'limit_key', null, format('the kind "%s" has a limit for each key, so its jobs need one', kind)
        );
    end if;
    if gate is not null then
        -- The library has checked it.
        null;
    elsif cost is null and has_costs then
        perform simple_queue.refuse(
            'cost', null, format('the rate of the kind "%s" counts what its jobs cost, so they need one', kind)
        );
    elsif cost is not null and most_cost is null then
        perform simple_queue.refuse(
            'cost', cost::text, format('no worker has declared a rate for the kind "%s" in the queue "%s" that counts costs', kind, queue)
        );
    elsif cost < 1 or cost > most_cost then
        perform simple_queue.refuse(
            'cost', cost::text, format('the limit is 1 to %s, the burst of the rate "%s"', most_cost, rule)
        );
    end if;
    gate := coalesce(gate, rule || '#' || limit_key);
    perform simple_queue.check_bytes('key of the limit', gate, 1, 512);
    if gate like 'order:%' and (priority <> 0 or expires_at is not null or on_conflict in ('replace', 'reschedule')) then
        perform simple_queue.refuse(
            case when priority <> 0 then 'priority' when expires_at is not null then 'expires_at' else 'on_conflict' end,
            case when priority <> 0 then priority::text when expires_at is not null then expires_at::text else on_conflict end,
            'the jobs of its key run in order'
        );
    end if;
    outcome := 'inserted';
    -- An id is used once. In a repeated call, the job that has it is this job.
    if known_id is not null then
        id := new_id;
        if exists (select from simple_queue.jobs j where j.id = new_id) then
            outcome := case when repeated then 'inserted' else 'duplicate' end;
            return next;
            return;
        end if;
        if exists (select from simple_queue.archive a where a.id = new_id)
            or exists (select from simple_queue.dead_letters d where d.id = new_id)
        then
            if not repeated then
                raise exception 'job % was enqueued before and has ended; an id is used once', new_id
                    using errcode = 'unique_violation', hint = 'Make a new id for a new job.';
            end if;
            return next;
            return;
        end if;
        -- Without a history nothing else remembers a job that has ended.
        if repeated and exists (
            select from simple_queue.kept_keys k where k.unique_key = put.unique_key and k.job_id = new_id
        ) then
            return next;
            return;
        end if;
    end if;
    loop
        outcome := 'inserted';
        keeper := null;
        if unique_for is not null then
            select k.job_id into keeper from simple_queue.kept_keys k
            where k.unique_key = put.unique_key and k.kept_until > now();
        end if;
        if keeper is null then
            insert into simple_queue.jobs as j (
                id, queue, kind, job_data, run_at, scheduled_at, priority, max_attempts, unique_key,
                fingerprint, expires_at, tags, version, retain, timeout, metadata, gate, cost
            )
            values (
                new_id, queue, kind, job_data, greatest(now(), run_at), run_at, priority, max_attempts,
                unique_key, fingerprint, expires_at, tags, version, retain, timeout, metadata, gate, cost
            )
            on conflict do nothing;
            id := new_id;
            exit when found and unique_for is null;
            if found then
                insert into simple_queue.kept_keys as k (unique_key, job_id, kept_until)
                values (unique_key, new_id, now() + unique_for)
                on conflict on constraint kept_keys_pkey
                do update set job_id = excluded.job_id, kept_until = excluded.kept_until
                where k.kept_until <= now();
                exit when found;
                -- Since the look above, another job has taken the key, kept it, and ended.
                delete from simple_queue.jobs j where j.id = new_id;
                continue;
            end if;
            if known_id is not null and exists (select from simple_queue.jobs j where j.id = new_id) then
                outcome := 'duplicate';
                exit;
            end if;
        end if;
        if on_conflict = 'replace' then
            outcome := 'replaced';
            update simple_queue.jobs j
            set queue = put.queue, kind = put.kind, job_data = put.job_data,
                run_at = greatest(now(), put.run_at), scheduled_at = put.run_at,
                priority = put.priority, max_attempts = put.max_attempts,
                fingerprint = put.fingerprint, expires_at = put.expires_at,
                tags = put.tags, version = put.version, retain = put.retain,
                timeout = put.timeout, metadata = put.metadata, gate = put.gate, cost = put.cost,
                attempt = 0, reprocess_count = 0, crash_count = 0, errors = null,
                held = nullif(j.held, '00000000-0000-0000-0000-000000000000'), updated_at = now()
            where j.unique_key = put.unique_key and j.worker_id is null
            returning j.id into id;
            exit when found;
        elsif on_conflict = 'reschedule' then
            outcome := 'rescheduled';
            update simple_queue.jobs j
            set run_at = greatest(now(), j.run_at, put.run_at),
                scheduled_at = greatest(j.scheduled_at, put.run_at),
                expires_at = j.expires_at + (greatest(now(), j.run_at, put.run_at) - j.run_at),
                updated_at = now()
            where j.unique_key = put.unique_key and j.worker_id is null
            returning j.id into id;
            exit when found;
        end if;
        if unique_while = 'pending' and keeper is null then
            -- The claim leaves the key in its row, because it must not touch an index. It is moved away here, by the
            -- first job that needs it; everything else that concerns the run stays as it is.
            update simple_queue.jobs j set unique_key = null, updated_at = now()
            where j.unique_key = put.unique_key and j.worker_id is not null;
            continue when found;
        end if;
        outcome := 'duplicate';
        select j.id into id from simple_queue.jobs j where j.unique_key = put.unique_key;
        id := coalesce(id, keeper);
        if id is not null and on_conflict = 'error' then
            raise exception 'job % has the unique key "%" already', id, unique_key
                using errcode = 'unique_violation',
                    detail = jsonb_build_object('job_id', id, 'unique_key', unique_key)::text;
        end if;
        exit when id is not null;
        -- The holder of the key ended between the statements; now the insert succeeds.
    end loop;
    -- Rescheduled too: a worker that polled while the row was locked does not know of it.
    if gate is not null and outcome <> 'duplicate' then
        insert into simple_queue.turns (rule, gate, due_at)
        select split_part(j.gate, '#', 1), j.gate, case when j.run_at > now() then j.run_at end
        from simple_queue.jobs j
        where j.id = put.id and j.gate is not null;
    end if;
    if outcome <> 'duplicate' then
        perform pg_notify('simple_queue.jobs', 'queue ' || queue)
        where exists (select from simple_queue.idle_workers);
    end if;
    return next;
end
$$;

comment on function simple_queue.put is 'Inserts one job for the public functions. Only the owner may call it.';

-- Enqueues a job from any language or driver, in the caller's transaction.
--
-- It does what the Rust call does. `kind` is the name of the `#[job]`, or empty for a plain handler. The key of a
-- `#[job]` begins with its kind: 'send_welcome:welcome:42'. `on_conflict` decides what happens if a live job has the
-- unique key: 'ignore', 'replace', 'reschedule' or 'error'. With `unique_for` the key stays taken for that long, even
-- when the job has ended. With `unique_while => 'pending'` it is taken over from a job that runs. A kind with a limit
-- for each key needs `limit_key`. The id is made here, because an id is used once; the function accepts none.
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
    on_conflict  text        default 'ignore',
    timeout      interval    default null,
    metadata     jsonb       default null,
    unique_for   interval    default null,
    unique_while text        default 'running',
    limit_key    text        default null,
    cost         integer     default null
) returns table (id uuid, outcome text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select p.id, p.outcome from simple_queue.put(
        null, false, queue, kind, job_data, run_at, priority, max_attempts, unique_key, fingerprint, expires_at,
        tags, version, retain, on_conflict, timeout, metadata, unique_for, unique_while, limit_key, null, cost
    ) p;
end
$$;

comment on function simple_queue.enqueue is 'Enqueues a job; returns its id, or that of the job that has its unique key, and the outcome: inserted, duplicate, replaced or rescheduled. The id is new each time; an id is used once.';

-- Enqueues many jobs at once: an array of objects with the parameters of `enqueue` as their keys.
--
-- An object may also have an `id`; and instead of `run_at` and `expires_at` a `delay` in seconds from now and an
-- `expires_after` in seconds from the due time. The answers are in the order of the objects. All are enqueued or none.
-- A call that was cut off may be repeated with the same ids and `repeated`.
create or replace function simple_queue.enqueue_many(jobs jsonb, repeated boolean default false)
returns table (id uuid, outcome text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(jobs) is distinct from 'array' then
        perform simple_queue.refuse('list of jobs', left(jobs::text, 80), 'it has to be an array of objects');
    end if;
    if jsonb_array_length(jobs) > 1000 then
        perform simple_queue.refuse('list of jobs', '…', format(
            'it has %s jobs; the limit is 1000 in a call', jsonb_array_length(jobs)::text
        ));
    end if;
    return query
    with answered as materialized (
        select given.place, answer.id, answer.outcome
        from (
            select e.place, j.*, e.job -> 'job_data' as job_data,
                coalesce(j.run_at, now() + make_interval(secs => j.delay)) as due_at
            from jsonb_array_elements(jobs) with ordinality e (job, place)
            cross join lateral jsonb_to_record(e.job) j (
                id uuid, queue text, kind text, run_at timestamptz, delay double precision,
                priority integer, max_attempts integer, unique_key text, fingerprint text,
                expires_at timestamptz, expires_after double precision, tags text[], version integer,
                retain interval, on_conflict text, timeout interval, metadata jsonb, unique_for interval,
                unique_while text, limit_key text, gate text, cost integer
            )
            -- The order in which the library takes keys, so that two calls never wait for each other.
            order by j.unique_key collate "C" nulls first, e.place
        ) given
        cross join lateral simple_queue.put(
            given.id, repeated, given.queue, coalesce(given.kind, ''), given.job_data, given.due_at,
            coalesce(given.priority, 0), given.max_attempts, given.unique_key, given.fingerprint,
            coalesce(
                given.expires_at,
                greatest(now(), given.due_at) + make_interval(secs => given.expires_after)
            ),
            given.tags, coalesce(given.version, 1), given.retain, coalesce(given.on_conflict, 'ignore'),
            given.timeout, given.metadata, given.unique_for, coalesce(given.unique_while, 'running'),
            given.limit_key, given.gate, given.cost
        ) answer
    )
    select a.id, a.outcome from answered a order by a.place;
end
$$;

comment on function simple_queue.enqueue_many is 'Enqueues an array of jobs, all or none; answers like enqueue, in their order.';

-- The files in `grants/` say which role may call which function.
revoke execute on all functions in schema simple_queue from public;
