-- lift_transaction_timeout
-- A setting of PostgreSQL 17 and later, so it cannot be named where others are set.
select set_config(s.name, '0', true) from pg_settings s where s.name = 'transaction_timeout'
