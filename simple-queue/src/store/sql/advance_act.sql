-- advance_act
-- Writes how far an act has come, in the transaction that did it. The first hundred jobs that were left alone are named.
update simple_queue.audit a
set cursor = :cursor, looked_at = a.looked_at + :looked_at, done = a.done + :done, left_alone = a.left_alone + :left_alone,
    left_jobs = (
        select jsonb_agg(l.job order by l.place)
        from (
            select l.job, l.place
            from jsonb_array_elements(coalesce(a.left_jobs, '[]') || :left_jobs::text::jsonb) with ordinality as l (job, place)
            order by l.place
            limit 100
        ) l
    ),
    state = :state, note = coalesce(:note, a.note), updated_at = now(),
    ended_at = case when :state <> 'running' then now() end
where a.id = :id
