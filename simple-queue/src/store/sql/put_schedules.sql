-- put_schedules
-- Records schedules: those that the code declares, or one that a call puts, which is refused if the code declares one
-- of this name. A pause stays, and of a declared one also the rule that an operator has set.
--
-- Where the rule that counts is another one than before, the next tick is the first of the new rule after the present
-- time. Otherwise it stays, and with it ticks that are due.
with put as (
    insert into simple_queue.schedules as s (
        name, next_at, declared_at, every, cron, zone, misfire, overlap, queue, kind, job_data, priority, max_attempts,
        unique_key, fingerprint, expires_after, tags, version, retain, timeout, metadata, gate, cost
    )
    select rule.name, rule.next_at, case when :is_declared then now() end, rule.every, rule.cron, rule.zone,
        rule.misfire, rule.overlap, new.queue, new.kind, new.job_data::jsonb, new.priority, new.max_attempts,
        new.unique_key, new.fingerprint, new.expires_after,
        case when new.tags is not null then array(select jsonb_array_elements_text(new.tags::jsonb)) end,
        new.version, new.retain, new.timeout, new.metadata::jsonb, key.gate, key.cost
    \ir parts/new_jobs.sql
    join unnest(
        :names::text[], :next_ats::timestamptz[], :everys::interval[], :crons::text[], :zones::text[],
        :misfires::text[], :overlaps::text[]
    ) with ordinality as rule (name, next_at, every, cron, zone, misfire, overlap, position)
        on rule.position = new.position
    join unnest(:gates::text[], :costs::integer[]) with ordinality as key (gate, cost, position) on key.position = new.position
    order by rule.name collate "C"
    on conflict (name) do update set
        next_at = case
            when :is_declared and (s.cron_set is not null or s.every_set is not null) then s.next_at
            when s.cron_set is not null or s.every_set is not null
                or (s.cron, s.zone, s.every) is distinct from (excluded.cron, excluded.zone, excluded.every)
            then excluded.next_at
            else s.next_at
        end,
        cron_set = case when :is_declared then s.cron_set end,
        zone_set = case when :is_declared then s.zone_set end,
        every_set = case when :is_declared then s.every_set end,
        updated_at = case
            when (s.cron, s.zone, s.every, s.misfire, s.overlap, s.queue, s.kind, s.job_data)
                is not distinct from (
                    excluded.cron, excluded.zone, excluded.every, excluded.misfire, excluded.overlap, excluded.queue,
                    excluded.kind, excluded.job_data
                )
            then s.updated_at
            else now()
        end,
        declared_at = excluded.declared_at, every = excluded.every, cron = excluded.cron, zone = excluded.zone,
        misfire = excluded.misfire, overlap = excluded.overlap, queue = excluded.queue, kind = excluded.kind,
        job_data = excluded.job_data, priority = excluded.priority, max_attempts = excluded.max_attempts,
        unique_key = excluded.unique_key, fingerprint = excluded.fingerprint,
        expires_after = excluded.expires_after, tags = excluded.tags, version = excluded.version,
        retain = excluded.retain, timeout = excluded.timeout, metadata = excluded.metadata, gate = excluded.gate,
        cost = excluded.cost
    where :is_declared or s.declared_at is null
    returning s.name
)
select put.name, pg_notify(:channel, 'schedule ' || put.name) as notified from put
