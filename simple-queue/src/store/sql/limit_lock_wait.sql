-- limit_lock_wait
-- From here to the end of the transaction, statements wait at most this long for a lock.
select set_config('lock_timeout', :limit, true)
