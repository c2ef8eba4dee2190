-- answer
-- The answer of a claim: the claimed jobs, and one row that says how it went, so that something comes back
-- with an empty claim too.
--
-- needs: claimed; said (said), one row
-- gives: rows, the end of the statement
select claimed.*, null::jsonb as said from claimed
union all
-- As many nulls as a claimed job has columns.
select claimed.*, said.said from said left join claimed on false
