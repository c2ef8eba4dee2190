-- find_kept_key
-- The job that keeps this unique key, and until when. It may have ended.
select job_id, kept_until from simple_queue.kept_keys where unique_key = :key and kept_until > now()
