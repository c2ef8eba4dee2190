-- hand_over
-- Completes runs of jobs under a limit that holds for each key, and claims the next jobs of the same keys, at most :permits:
-- one statement, one commit.
--
-- In a backlog of few keys nearly every place is taken over. This is a small part of a visit: it locks no gate and reads
-- no turns. Places that no job takes over are released by turns, as by any other end.
\ir parts/completed.sql
\ir parts/worker.sql
\ir parts/rule.sql
\ir parts/handed.sql
\ir parts/handed_on.sql
