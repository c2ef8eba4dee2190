-- insert_act
-- Writes down an act, or the beginning of one on many jobs. One that is there is left as it is: an earlier try of the
-- call was carried out.
insert into simple_queue.audit (id, actor, action, target, job_id, arguments, state, looked_at, done, left_alone, left_jobs, ended_at)
values (
    :id, :actor, :action, :target, :job_id, :arguments::text::jsonb, :state, :looked_at, :done, :left_alone,
    :left_jobs::text::jsonb, case when :state <> 'running' then now() end
)
on conflict do nothing
