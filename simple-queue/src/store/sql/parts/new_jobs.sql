-- new_jobs
-- The jobs to insert, and when each is due. SQL has no array of arrays with different lengths, so the tags of each job
-- are the text of a JSON array.
--
-- needs: an array for each column, all of one length
-- gives: from new (…, position), due (at)
from unnest(
    :ids::uuid[], :queues::text[], :kinds::text[], :priorities::smallint[], :payloads::text[],
    :run_ats::timestamptz[], :delays::interval[], :max_attempts::integer[], :unique_keys::text[],
    :fingerprints::text[], :expires_afters::interval[], :tags::text[], :versions::integer[], :retains::interval[],
    :timeouts::interval[], :metadata::text[]
) with ordinality as new (
    id, queue, kind, priority, job_data,
    run_at, delay, max_attempts, unique_key,
    fingerprint, expires_after, tags, version, retain,
    timeout, metadata, position
)
cross join lateral (select coalesce(new.run_at, now() + new.delay) as at) due
