-- lift_transaction_timeout
-- A setting of PostgreSQL 17 and later, so it cannot be set together with the others.
select set_config(s.name, '0', true) from pg_settings s where s.name = 'transaction_timeout'
