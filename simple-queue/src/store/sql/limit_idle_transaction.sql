-- limit_idle_transaction
-- From here to its end the transaction may wait for its client only so long. Where that is gone without a
-- word, what the transaction has locked would else stay so for hours.
select set_config('idle_in_transaction_session_timeout', $1, true)
