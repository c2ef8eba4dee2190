-- contents_asked
-- What a filter of jobs asks of their contents. A condition that is null, or an empty list, is not set.
--
-- needs: the begin of a statement; :contents
-- gives: c (tags, fingerprint, unique_key, args, metadata, error), one row
with c as materialized (
    select r.tags, r.fingerprint, r.unique_key, r.args, r.metadata, r.error
    from jsonb_to_record(:contents::text::jsonb) as r (
        tags text[], fingerprint text, unique_key text, args jsonb, metadata jsonb, error text
    )
)
