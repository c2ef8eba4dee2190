-- find_suspect
-- The job that claim_suspect would claim, to identify it after a refusal.
select j.id
\ir parts/suspects.sql
order by j.run_at, j.id
limit 1
