-- look_for_horizon
-- Who keeps dead rows from being removed: transactions of sessions and standbys, prepared ones, replication slots. What
-- other roles do is visible only with the right to see it; how many sessions are hidden is in each row. The first row,
-- without a holder, is always there.
with hidden as (
    select count(*) as sessions from pg_stat_activity a
    where a.query = '<insufficient privilege>' and a.datname = current_database()
)
select held.kind, held.name, held.role, held.state, held.query, held.transactions,
    extract(epoch from held.since)::double precision as seconds, hidden.sessions as hidden, current_user::text as me
from hidden
cross join lateral (
    select 'none' as kind, '' as name, null::text as role, null::text as state, null::text as query,
        0::bigint as transactions, null::interval as since
    union all
    select case when a.backend_type = 'walsender' then 'standby' else 'session' end, a.pid::text,
        a.usename::text || coalesce(' (' || nullif(a.application_name, '') || ')', ''), a.state, left(a.query, 200),
        greatest(age(a.backend_xid), age(a.backend_xmin)), now() - coalesce(a.xact_start, a.backend_start)
    from pg_stat_activity a
    where (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()
        and (a.datname = current_database() or a.backend_type = 'walsender')
        -- Neither of these holds anything up.
        and a.backend_type <> 'autovacuum worker' and a.query not ilike 'vacuum%'
    union all
    select 'prepared', p.gid, p.owner::text, null, null, age(p.transaction), now() - p.prepared
    from pg_prepared_xacts p
    where p.database = current_database()
    union all
    -- A logical slot keeps the rows of catalogs, and like every slot the log.
    select case when s.active then 'slot' else 'idle_slot' end, s.slot_name::text, null, s.slot_type, null,
        coalesce(greatest(age(s.xmin), age(s.catalog_xmin)), 0), null
    from pg_replication_slots s
    where s.xmin is not null or s.catalog_xmin is not null or not s.active
) held
order by held.transactions desc, held.name
limit 21
