-- waiting_keys
-- Of each limit for each key that has turns, a job that has been due for 30 s, if one is found: a worker that serves the
-- limit would have consumed its turn.
--
-- needs: nothing
-- gives: waiting_keys (queue, kind, since)
, waiting_keys as materialized (
    with recursive rule (name) as (
        select least(
            (select t.rule from simple_queue.turns t where t.due_at is null order by t.rule limit 1),
            (select t.rule from simple_queue.turns t where t.due_at is not null order by t.rule limit 1)
        )
        union all
        select least(
            (
                select t.rule from simple_queue.turns t where t.due_at is null and t.rule > rule.name
                order by t.rule limit 1
            ),
            (
                select t.rule from simple_queue.turns t where t.due_at is not null and t.rule > rule.name
                order by t.rule limit 1
            )
        )
        from rule
        where rule.name is not null
    )
    select job.queue, left(job.kind, 512) as kind, job.run_at as since
    from rule
    cross join lateral (
        (
            select t.gate from simple_queue.turns t where t.rule = rule.name and t.due_at is null
            order by t.gate limit 1
        )
        union all
        (
            select t.gate from simple_queue.turns t where t.rule = rule.name and t.due_at < now() - interval '30 s'
            order by t.due_at limit 1
        )
    ) turn
    cross join lateral (
        select j.queue, j.kind, j.run_at, j.worker_id from simple_queue.jobs j
        where j.gate = turn.gate and j.held is null
        order by j.priority, j.run_at
        limit 1
    ) job
    where job.worker_id is null and job.run_at < now() - interval '30 s'
)
