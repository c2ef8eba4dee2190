-- claim: $2 to $5 have an entry for each queue and priority; the pair of $4 and $5 is where its scan begins.
update job j
set lease = $1, attempt = j.attempt + 1, leased_at = now()
where j.ctid = any (array(
    select due.ctid
    from unnest($2::smallint[], $3::smallint[], $4::timestamptz[], $5::uuid[]) as lane (queue_id, priority, at, id)
    cross join lateral (
        select r.ctid from job r
        where r.queue_id = lane.queue_id and r.priority = lane.priority
            and (r.run_at, r.id) >= (lane.at, lane.id) and r.run_at <= now() and r.lease is null
        order by r.run_at, r.id
        limit $6
        for update skip locked
    ) due
    limit $6
))
returning j.id, j.queue_id, j.priority, j.run_at, j.payload::text
