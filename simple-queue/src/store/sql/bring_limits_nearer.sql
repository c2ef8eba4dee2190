-- bring_limits_nearer
-- Lets the tokens of rates come earlier by this time, as if it had passed; for tests. A window of the calendar is over
-- when its whole length has passed.
with moved as (
    update simple_queue.limits l
    set tat = l.tat - :by::interval, late_at = l.late_at - :by::interval, held_until = l.held_until - :by::interval
    where l.rate is not null
        and :by::interval >= coalesce(('1 ' || (coalesce(l.rate_set, l.rate)->>'window'))::interval, interval '0')
    returning l.name
)
select moved.name, pg_notify(:channel, 'limit ' || moved.name) as notified from moved
