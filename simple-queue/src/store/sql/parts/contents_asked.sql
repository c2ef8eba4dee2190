-- contents_asked
-- What a filter of jobs asks of their contents. A condition that is null, or an empty list, is not set.
--
-- needs: a place in a list of `with`; :contents
-- gives: c (tags, fingerprint, unique_key, args, metadata, error, error_key), one row
c as materialized (
    select r.tags, r.fingerprint, r.unique_key, r.args, r.metadata, r.error, r.error_key
    from jsonb_to_record(:contents::text::jsonb) as r (
        tags text[], fingerprint text, unique_key text, args jsonb, metadata jsonb, error text,
        error_key text
    )
)
