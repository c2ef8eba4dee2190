-- bring_turns_nearer
-- Gives keys their later turns earlier by this time, as if it had passed; for tests.
update simple_queue.turns t
set due_at = t.due_at - :by::interval
where t.due_at is not null
