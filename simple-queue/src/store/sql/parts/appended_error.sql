-- appended_error
-- The errors of a job with one more, if there is one. The last ten are kept. A value that is not a list is replaced.
--
-- needs: j (errors, attempt), a row of jobs; held (error)
-- gives: an expression
case when held.error is null then j.errors else
    case
        when jsonb_typeof(j.errors) is distinct from 'array' then '[]'
        when jsonb_array_length(j.errors) >= 10 then j.errors - 0
        else j.errors
    end
    || jsonb_build_object('attempt', j.attempt, 'at', now(), 'error', held.error)
end
