-- own_metadata
-- The metadata of a job without what a schedule added.
--
-- needs: from jobs, and nothing else with these columns
-- gives: metadata
case
    when metadata ? '@schedule' then nullif(metadata - '@schedule', '{}')
    else metadata
end::text as metadata
