-- look_at_clock
-- The present time of the server.
select clock_timestamp() as now
