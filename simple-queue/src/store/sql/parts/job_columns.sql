-- job_columns
-- The columns of a job that all three tables have, and that are copied unchanged. First in the list of an insert, and
-- first in that of its select.
--
-- needs: rows of jobs or of dead_letters; no other table of the statement has columns with these names
-- gives: the beginning of a list
    scheduled_at, created_at, max_attempts, version, priority, queue, kind, job_data, unique_key, fingerprint, tags,
    metadata, gate,
