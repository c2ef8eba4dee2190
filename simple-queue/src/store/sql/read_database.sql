-- read_database
-- The preconditions of a migration, and what exists already.
select current_setting('server_encoding') as encoding, current_user::text as role,
    (
        select pg_get_userbyid(n.nspowner)::text from pg_namespace n
        where n.oid = to_regnamespace(split_part('simple_queue.', '.', 1))
    ) as owner,
    to_regclass('simple_queue.migrations') is not null as is_begun
