-- contents_wanted
-- Whether a filter wants a job for what it contains.
--
-- needs: c (tags, fingerprint, unique_key, args, metadata, error, error_key); j (job_data, metadata, tags, fingerprint,
--     unique_key, errors, reason, error_key)
-- gives: conditions
    (c.fingerprint is null or j.fingerprint = c.fingerprint)
    and (c.unique_key is null or j.unique_key = c.unique_key)
    and (c.error_key is null or j.error_key = c.error_key)
    and (cardinality(c.tags) = 0 or j.tags @> c.tags)
    -- Each value at its path is one of those that are wanted there.
    and (c.args = '[]' or not exists (
        select from jsonb_array_elements(c.args) as w (wanted)
        where not exists (
            select from jsonb_array_elements(w.wanted -> 'values') as v (value)
            where v.value = j.job_data #> array(select jsonb_array_elements_text(w.wanted -> 'path'))
        )
    ))
    and (c.metadata = '[]' or not exists (
        select from jsonb_array_elements(c.metadata) as w (wanted)
        where not exists (
            select from jsonb_array_elements(w.wanted -> 'values') as v (value)
            where v.value = j.metadata #> array(select jsonb_array_elements_text(w.wanted -> 'path'))
        )
    ))
    and (c.error is null or strpos(lower(j.reason), lower(c.error)) > 0 or exists (
        select from jsonb_path_query(j.errors, 'lax $[*].error') as e (error)
        where strpos(lower(e.error #>> '{}'), lower(c.error)) > 0
    ))
