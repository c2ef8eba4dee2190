-- bring_gates_nearer
-- Lets the tokens of the rates of keys come earlier by this time, as if it had passed; for tests. A window of the
-- calendar is over when its whole length has passed.
update simple_queue.gates g
set tat = g.tat - :by::interval, wake_at = g.wake_at - :by::interval, held_until = g.held_until - :by::interval
from simple_queue.limits l
where l.name = g.rule
    and :by::interval >= coalesce(('1 ' || (coalesce(l.rate_set, l.rate)->>'window'))::interval, interval '0')
