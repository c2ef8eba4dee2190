-- overwrite_dead_letter
-- The end of each insert of dead letters. An id is used once, but an insert by hand, or one that raced the end of an
-- earlier job, may have used it again. Then the last death is kept, and no job vanishes.
--
-- needs: an insert into dead_letters
-- gives: its end, except what it returns
    on conflict (id) do update
    set lease = excluded.lease,
        scheduled_at = excluded.scheduled_at,
        created_at = excluded.created_at,
        finished_at = excluded.finished_at,
        worker_id = excluded.worker_id,
        attempt = excluded.attempt,
        max_attempts = excluded.max_attempts,
        reprocess_count = excluded.reprocess_count,
        crash_count = excluded.crash_count,
        version = excluded.version,
        priority = excluded.priority,
        cost = excluded.cost,
        node = excluded.node,
        gate = excluded.gate,
        status = excluded.status,
        queue = excluded.queue,
        kind = excluded.kind,
        reason = excluded.reason,
        job_data = excluded.job_data,
        timeout = excluded.timeout,
        unique_key = excluded.unique_key,
        fingerprint = excluded.fingerprint,
        tags = excluded.tags,
        errors = excluded.errors,
        metadata = excluded.metadata,
        keep_until = excluded.keep_until
