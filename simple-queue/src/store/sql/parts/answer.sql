-- answer
-- The answer of a claim: the claimed jobs, and one row that says how it went, so that something comes back
-- with an empty claim too.
--
-- needs: claimed; summary (summary), one row
-- gives: rows, the end of the statement
select claimed.*, null::jsonb as summary from claimed
union all
-- As many nulls as a claimed job has columns.
select claimed.*, summary.summary from summary left join claimed on false
