-- hand_over_in_order
-- Like hand_over, for jobs that run one after another.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/rule.sql
\ir parts/handed_in_order.sql
\ir parts/handed_on.sql
