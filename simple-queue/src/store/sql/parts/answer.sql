-- answer
-- The answer of a claim: the claimed jobs and one summary row, so that an empty claim has an answer too.
--
-- needs: claimed; summary (summary), one row
-- gives: rows, the end of the statement
select claimed.*, null::jsonb as summary from claimed
union all
-- As many nulls as a claimed job has columns.
select claimed.*, summary.summary from summary left join claimed on false
