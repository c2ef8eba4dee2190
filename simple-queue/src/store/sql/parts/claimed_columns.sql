-- claimed_columns
-- The end of each claim: the columns of a fetched job.
--
-- needs: an update of jobs j
-- gives: its end
    -- Rarely set values are sent as null when they have their default, which costs nothing. Long kinds and payloads are
    -- not sent with a thousand others: a kind is cut to a length that no handler's name has, and the payload is read
    -- when its job starts.
    returning j.id, j.queue,
        case when octet_length(j.kind) <= 512 then j.kind else left(j.kind, 512) end as kind, nullif(j.version, 1) as version, j.fingerprint, j.unique_key, j.created_at,
        j.run_at, j.attempt, 
        case when pg_column_size(j.job_data) <= 8192 then j.job_data::text end as job_data, j.max_attempts, j.lease,
        nullif(j.reprocess_count, 0) as reprocess_count, nullif(j.crash_count, 0) as crash_count,
        extract(epoch from j.timeout)::double precision as timeout,
        case when j.expires_at <= now() then true end as expired, j.priority
