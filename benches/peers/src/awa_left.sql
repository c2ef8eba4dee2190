-- All that was ever ready, less all that is over, and what is not due yet. Its own view of jobs takes minutes where
-- twenty thousand are over.
select (
    coalesce((select sum(awa.sequence_next_value(seq_name) - 1) from awa.queue_enqueue_heads), 0)
    + (select count(*) from awa.deferred_jobs)
    - coalesce((select sum(completed_count) from awa.receipt_completion_batches), 0)
    - coalesce((select sum(live_terminal_count) from awa.queue_terminal_live_counts), 0)
    - coalesce((select sum(terminal_delta) from awa.queue_terminal_count_deltas), 0)
    - coalesce((select sum(pruned_completed_count + pruned_failed_count) from awa.queue_terminal_rollups), 0)
)::bigint
