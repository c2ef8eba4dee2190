-- limit_lock_wait
-- From here to the end of the transaction a statement waits only so long for a lock.
select set_config('lock_timeout', :limit, true)
