-- read_readiness
-- Whether the tables are there and new enough. A release that adds a column names it here. What is read may be read
-- by every role.
select exists (
    select from pg_catalog.pg_attribute a
    where a.attrelid = to_regclass('simple_queue.jobs') and a.attname = 'gate' and not a.attisdropped
) as is_ready
