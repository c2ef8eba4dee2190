-- fetch_jobs_by_age
-- As fetch_jobs, where some queues of the demand let jobs gain on more urgent ones as they wait.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/demand.sql
\ir parts/due_by_age.sql
\ir parts/claimed.sql
\ir parts/next_due.sql
\ir parts/claim_summary.sql
\ir parts/answer.sql
