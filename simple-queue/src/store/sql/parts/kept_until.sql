-- kept_until
-- The time until which a dead letter is kept, by its job's own retention from now on. A job without history is kept
-- like any other when it fails.
--
-- needs: rows of jobs; no other table of the statement has a column `retain`
-- gives: a value of a list, with its comma
    now() + nullif(least(greatest(retain, interval '0'), interval '4000 years'), interval '0'),
