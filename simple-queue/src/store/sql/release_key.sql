-- release_key
-- Frees a kept unique key; a live job still holds it. The answer says whether the key was kept.
delete from simple_queue.kept_keys where unique_key = :key returning kept_until > now() as was_kept
