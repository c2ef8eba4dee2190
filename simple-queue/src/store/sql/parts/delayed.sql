-- delayed
-- Whether jobs of the limit may wait for a later time: each of them has written a turn for it, which no visit takes
-- before. Then the priorities of a key are read one by one, so that jobs which are not due yet are not passed, however
-- many there are. That costs a fifth more, so it is left out where none waits.
--
-- needs: instant; :rule
-- gives: delayed (are_there), one row
, delayed as materialized (
    select exists (
        select from simple_queue.turns t
        where t.rule = :rule and t.due_at > (select instant.t from instant) and t.due_at < 'infinity'
    ) as are_there
)
