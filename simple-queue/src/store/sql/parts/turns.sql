-- turns
-- Writes turns.
--
-- needs: letters (gate, due_at, released, job_id), due_at null means now
-- gives: turns (rule, due_at)
, turns as (
    insert into simple_queue.turns (rule, gate, due_at, released, job_id)
    select split_part(letters.gate, '#', 1), letters.gate, letters.due_at, letters.released, letters.job_id
    from letters
    returning rule, due_at
)
