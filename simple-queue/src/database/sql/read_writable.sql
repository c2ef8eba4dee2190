-- read_writable
-- A standby says no, and so does a primary that was made read-only.
select current_setting('transaction_read_only') = 'off'
