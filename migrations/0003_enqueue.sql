-- Enqueues a job from any language or driver, in the caller's transaction.
--
-- Does what the Rust call does: a live job that has the unique key already is left as it is and its
-- id is returned. `kind` is the name of the `#[job]`, or empty for a plain handler. The key of a
-- `#[job]` begins with its kind: 'send_welcome:welcome:42'.
create function simple_queue.enqueue(
    queue        text,
    kind         text,
    job_data     jsonb,
    run_at       timestamptz default null,
    priority     integer     default 0,
    max_attempts integer     default null,
    unique_key   text        default null,
    fingerprint  text        default null
) returns table (id uuid, is_new boolean)
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
    loop
        insert into simple_queue.jobs as j
            (id, queue, kind, job_data, run_at, scheduled_at, priority, max_attempts, unique_key, fingerprint)
        values (
            new_id, queue, kind, job_data, greatest(now(), run_at), run_at, priority, max_attempts,
            unique_key, fingerprint
        )
        on conflict do nothing;
        if found then
            perform pg_notify('simple_queue.jobs', 'queue ' || queue)
            where exists (select from simple_queue.workers w where w.idle);
            return query select new_id, true;
            return;
        end if;
        -- The holder of the key may end between the two statements; then the insert succeeds.
        return query select j.id, false from simple_queue.jobs j where j.unique_key = enqueue.unique_key;
        if found then
            return;
        end if;
    end loop;
end
$$;

comment on function simple_queue.enqueue is 'Enqueues a job; returns its id, or that of the live job that has its unique key already.';
