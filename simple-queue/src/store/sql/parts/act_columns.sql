-- act_columns
-- An act.
--
-- needs: a, rows of audit
-- gives: a list of columns
    a.id, a.actor, a.action, a.target, a.job_id, a.arguments::text as arguments, a.state, a.looked_at, a.done,
    a.left_alone, a.left_jobs::text as left_jobs, a.cursor, a.note, a.created_at, a.updated_at, a.ended_at
