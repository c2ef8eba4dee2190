-- look_at_server
-- The server, and what the role of this session may do. Without the schema or the right to use it, the rights are null.
select current_setting('server_version') as release, current_setting('server_version_num')::integer as version,
    current_setting('server_encoding') as encoding, pg_is_in_recovery() as is_standby,
    -- Not of this transaction, which may be read-only by itself.
    (select s.reset_val from pg_settings s where s.name = 'default_transaction_read_only') = 'on' as is_read_only,
    current_user::text as role, current_database()::text as database,
    has_schema_privilege(n.oid, 'usage') as uses_schema,
    has_any_column_privilege(c.oid, 'select') as sees,
    has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')
        as acts
from (select to_regnamespace(split_part('simple_queue.', '.', 1)) as oid) n
left join pg_class c on c.relnamespace = n.oid and c.relname = 'jobs'
