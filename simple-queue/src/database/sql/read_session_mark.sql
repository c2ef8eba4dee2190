-- read_session_mark
select current_setting('simple_queue.session', true) is not distinct from 'own' as is_own,
    coalesce((select ssl.ssl from pg_catalog.pg_stat_ssl ssl where ssl.pid = pg_backend_pid()), false) as is_encrypted
