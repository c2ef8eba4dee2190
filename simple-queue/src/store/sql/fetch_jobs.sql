-- fetch_jobs
-- Completes runs, and claims for every queue in the demand at most as many due jobs as it has free permits: one
-- statement, one commit.
--
-- The rows are locked before their ctids are used, and are updated by an array of ctids. Joined by id, a bound limit
-- would become a hash join with a sequential scan in a generic plan.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/demand.sql
\ir parts/due.sql
\ir parts/claimed.sql
\ir parts/next_due.sql
\ir parts/claim_summary.sql
\ir parts/answer.sql
