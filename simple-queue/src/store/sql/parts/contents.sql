-- contents
-- What a job contains. A text that is longer than asked for is left out.
--
-- needs: j, rows of a table of jobs; :longest, bytes
-- gives: a list of columns
    j.id, octet_length(j.job_data::text) as payload_bytes,
    case when octet_length(j.job_data::text) <= :longest::integer then j.job_data::text end as payload,
    j.version, j.unique_key, j.fingerprint, j.tags,
    case when octet_length(j.metadata::text) <= :longest::integer then j.metadata::text end as metadata,
    case when octet_length(j.errors::text) <= :longest::integer then j.errors::text end as errors
