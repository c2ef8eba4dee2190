-- appended_error
-- The errors of a job and one more, where there is one. The oldest makes room for the newest, so that ten are kept;
-- what is no list begins anew.
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
