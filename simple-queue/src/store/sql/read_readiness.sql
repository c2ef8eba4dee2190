-- read_readiness
-- Whether the tables exist and are new enough. A release that adds a column names it here. Every role may read these
-- columns.
select exists (
    select from pg_catalog.pg_attribute a
    where a.attrelid = to_regclass('simple_queue.jobs') and a.attname = 'gate' and not a.attisdropped
) as is_ready
