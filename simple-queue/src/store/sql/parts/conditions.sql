-- conditions
-- What a filter of jobs asks of a row, beside its contents. A condition that is null is not set.
--
-- needs: the begin of a statement; :filter
-- gives: f (live, queues, kinds, statuses, ids, worker, priority_from, priority_to, attempt_from, attempt_to, created_from, created_to,
--     finished_from, finished_to), one row
with f as materialized (
    select c.live, c.queues, c.kinds, c.statuses, c.ids, c.worker, c.priority_from, c.priority_to, c.attempt_from,
        c.attempt_to,
        coalesce(c.created_from, now() - c.created_since) as created_from,
        coalesce(c.created_to, now() - c.created_until) as created_to,
        coalesce(c.finished_from, now() - c.finished_since) as finished_from,
        coalesce(c.finished_to, now() - c.finished_until) as finished_to
    from jsonb_to_record(:filter::text::jsonb) as c (
        live text, queues text[], kinds text[], statuses text[], ids uuid[], worker uuid, priority_from integer,
        priority_to integer, attempt_from integer, attempt_to integer, created_from timestamptz,
        created_since interval, created_to timestamptz, created_until interval, finished_from timestamptz,
        finished_since interval, finished_to timestamptz, finished_until interval
    )
)
