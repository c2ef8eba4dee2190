-- limit_idle_transaction
-- From here to its end the transaction may wait for its client only so long. Where that is gone without a
-- word, what the transaction has locked would else stay so for hours.
--
-- A mark that ends with the transaction tells whether it still is the one that was marked: not one that
-- began after a `commit` or a `rollback`, and not a statement by itself. The mark of before is read first.
with before as materialized (
    select coalesce(current_setting('simple_queue_job.transaction', true), '') = 'on' as was_marked
)
select before.was_marked
from before
where set_config('idle_in_transaction_session_timeout', :limit, true) is not null
    and set_config('simple_queue_job.transaction', 'on', true) is not null
