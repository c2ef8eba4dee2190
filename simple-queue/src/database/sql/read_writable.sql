-- read_writable
-- False on a standby, and on a primary that was made read-only.
select current_setting('transaction_read_only') = 'off'
