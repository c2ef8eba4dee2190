-- read_clock
-- The present time, also in a transaction that began long ago.
select statement_timestamp() as now
