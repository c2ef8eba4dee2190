-- find_suspect
-- The job that claim_suspect claims, for when it is refused.
select j.id
\ir parts/suspects.sql
order by j.run_at, j.id
limit 1
