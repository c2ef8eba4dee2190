-- bring_keys_nearer
-- Frees kept keys earlier by this time, as if it had passed; for tests.
update simple_queue.kept_keys k
set kept_until = k.kept_until - :by::interval
