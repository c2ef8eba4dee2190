-- job_columns
-- What a job is, whatever table it is in: columns that are copied as they are. First in the list of an insert, and
-- first in that of its select.
--
-- needs: rows of jobs or of dead_letters, in which no other table of the statement has a column of these names
-- gives: the beginning of a list
    scheduled_at, created_at, max_attempts, version, priority, queue, kind, job_data, unique_key, fingerprint, tags,
    metadata,
