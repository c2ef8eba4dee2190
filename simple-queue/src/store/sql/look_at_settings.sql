-- look_at_settings
-- Settings that concern the queue, as sessions of this role begin with them; then time-outs that are set for roles that
-- use the schema, or for the database. `age` is the age of the oldest transaction id of the database.
select s.name, s.reset_val as value, s.source,
    case when s.name not like '%timeout' and s.source in ('user', 'database user') then current_user::text end as role,
    case when s.name not like '%timeout' and s.source in ('database', 'database user') then current_database()::text end
        as database
from pg_settings s
where s.name in (
    'autovacuum', 'fsync', 'full_page_writes', 'idle_in_transaction_session_timeout', 'lock_timeout',
    'statement_timeout', 'synchronous_commit', 'track_counts', 'transaction_timeout'
)
union all
select 'age', age(d.datfrozenxid)::text, null, null, null from pg_database d where d.datname = current_database()
union all
select split_part(set.setting, '=', 1), substring(set.setting from position('=' in set.setting) + 1), null, r.rolname::text,
    d.datname::text
from pg_db_role_setting s
cross join unnest(s.setconfig) as set (setting)
left join pg_roles r on r.oid = s.setrole
left join pg_database d on d.oid = s.setdatabase
where split_part(set.setting, '=', 1) in (
        'idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout', 'transaction_timeout'
    )
    and (s.setdatabase = 0 or d.datname = current_database())
    and (s.setrole = 0 or has_schema_privilege(s.setrole, to_regnamespace(split_part('simple_queue.', '.', 1)), 'usage'))
order by 1, 4 nulls first, 5 nulls first
