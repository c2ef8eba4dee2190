-- limit_idle_transaction
-- From here on the transaction may be idle only for this long. If its client vanishes, its locks would otherwise stay
-- for hours.
--
-- A mark that ends with the transaction shows whether this is still the transaction that was marked: not one that began
-- after a `commit` or a `rollback`, and not a single statement. The old mark is read first.
with before as materialized (
    select coalesce(current_setting('simple_queue_job.transaction', true), '') = 'on' as was_marked
)
select before.was_marked
from before
where set_config('idle_in_transaction_session_timeout', :limit, true) is not null
    and set_config('simple_queue_job.transaction', 'on', true) is not null
