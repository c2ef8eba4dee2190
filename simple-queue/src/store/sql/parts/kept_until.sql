-- kept_until
-- Until when a dead letter is kept: as long as its job says, from now on. A job of which no history is kept dies like
-- any other.
--
-- needs: rows of jobs, in which no other table of the statement has a column `retain`
-- gives: a value of a list, with its comma
    now() + nullif(least(greatest(retain, interval '0'), interval '4000 years'), interval '0'),
